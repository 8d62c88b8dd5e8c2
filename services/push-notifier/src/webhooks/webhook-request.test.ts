import { createHash } from 'node:crypto';
import { WEBHOOK_HEADERS } from '@tidewire/contract';
import type { CloudEvent } from '@tidewire/contract';
import { HTTP } from 'cloudevents';
import { expect, test } from 'vitest';
import { createSecret, signatureHeaders } from './signature.ts';
import type { Endpoint } from './webhook.ts';
import { resyncEvent } from './webhook-event.ts';
import { formatWebhookRequest } from './webhook-request.ts';

const endpoint: Endpoint = {
  id: '2f6d1c9e-8a47-4b0f-9c3d-5e7a1b2c3d4e',
  url: 'https://example.org/',
  mode: 'structured',
  headers: { 'x-key': 'a', 'webhook-id': 'forged', 'Content-Type': 'text/forged', 'user-agent': 'forged' },
  secret: createSecret(),
  previousSecret: null,
};
const event: CloudEvent = {
  specversion: '1.0',
  id: 'evt-0mfz2k1a-000000000042',
  source: 'https://tidewire.example',
  type: 'nl.example.object.created',
  time: '2026-03-21T11:30:00.000Z',
  subject: '550e8400-e29b-41d4-a716-446655440000',
  datacontenttype: 'application/json',
  sequence: '000000000042',
  correlationid: 'één "stap" 100%',
  data: {
    uuid: '550e8400-e29b-41d4-a716-446655440000',
    register: 'zaken',
    schema: 'meldingen',
    object: { id: '550e8400-e29b-41d4-a716-446655440000', titel: 'é\u2028🌊', bedrag: 1e21, __proto__x: 1 },
  },
};

test('signs as Standard Webhooks does: the example of its specification', () => {
  const signed = signatureHeaders(
    { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', previousSecret: null },
    {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      nowMs: 1_614_265_330_000,
      body: Buffer.from('{"test": 2432232314}'),
    },
  );
  expect(signed[WEBHOOK_HEADERS.signature]).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('a secret that was rotated signs until its time is over', () => {
  const previousSecret = { secret: createSecret(), untilMs: 5000 };
  const count = (nowMs: number): number =>
    signatureHeaders({ secret: createSecret(), previousSecret }, { id: 'a', nowMs, body: Buffer.from('') })[
      WEBHOOK_HEADERS.signature
    ]?.split(' ').length ?? 0;
  expect([count(4999), count(5000)]).toEqual([2, 1]);
});

test('secrets are long and never the same', () => {
  const secrets = Array.from({ length: 50 }, createSecret);
  expect(new Set(secrets).size).toBe(50);
  for (const secret of secrets) expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
});

test.each(['structured', 'binary'] as const)(
  'in %s mode a reader of CloudEvents gets the event as it was',
  (mode) => {
    const { headers, body } = formatWebhookRequest({ ...endpoint, mode }, event, 0);
    const read = HTTP.toEvent({ headers: { ...headers }, body: body.toString() });
    const found = JSON.parse(JSON.stringify(read)) as CloudEvent;
    // Readers differ in whether they decode what headers cannot hold.
    const { correlationid, ...rest } = event;
    expect(found).toMatchObject(rest);
    expect([correlationid, encodeURI(correlationid ?? '')]).toContain(found.correlationid);
  },
);

test('attributes in headers are visible ASCII', () => {
  const { headers } = formatWebhookRequest({ ...endpoint, mode: 'binary' }, event, 0);
  expect(headers['ce-correlationid']).toBe('%C3%A9%C3%A9n%20%22stap%22%20100%25');
  for (const value of Object.values(headers)) expect(value).toMatch(/^[\u0020-\u007e]*$/);
});

test("none of the owner's headers takes the place of one of ours", () => {
  const { headers } = formatWebhookRequest(endpoint, event, 0);
  expect(headers).toMatchObject({
    'x-key': 'a',
    'webhook-id': `${event.id}_${endpoint.id}`,
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'Tidewire-Webhooks',
  });
  expect(headers['webhook-id']).not.toContain('.');
});

test('the same event has the same bytes at each attempt', () => {
  const hashes = [0, 60_000].map((nowMs) =>
    createHash('sha256')
      .update(formatWebhookRequest(endpoint, event, nowMs).body)
      .digest('hex'),
  );
  expect(hashes[0]).toBe(hashes[1]);
});

test('a resync keeps its id while it fails, and the next one has another', () => {
  const settings = { source: 's', typePrefix: 'p' };
  const resync = {
    reason: 'time',
    oldest: 'evt-0mfz2k1a-000000000001',
    current: 'evt-0mfz2k1a-000000000009',
  } as const;
  const webhook = { cursor: { epoch: '0mfz2k1a', sequence: 9 }, settled: 3, topics: ['register/zaken'] };
  const ids = [webhook, webhook, { ...webhook, settled: 4 }].map(
    (each) => resyncEvent(settings, each, resync, 0).id,
  );
  expect(ids).toEqual([
    'resync-0mfz2k1a-000000000009-3',
    'resync-0mfz2k1a-000000000009-3',
    'resync-0mfz2k1a-000000000009-4',
  ]);
});
