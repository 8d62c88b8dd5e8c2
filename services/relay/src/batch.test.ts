import { objectMessageSchema } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { encodeRow } from './batch.ts';
import type { OutboxRow } from './outbox-repository.ts';

const id = '11111111-1111-4111-8111-111111111111';
const message = {
  kind: 'object',
  action: 'created',
  uuid: id,
  register: { id, slug: 'hr' },
  schema: { id, slug: 'people' },
  organisation: null,
  version: 4,
  time: '2026-01-01T00:00:00.000Z',
  actor: null,
  correlationId: 'c',
  traceparent: null,
};

const row = (more: Partial<OutboxRow>): OutboxRow => ({
  id: 1,
  uuid: 'row',
  xid: '1',
  subject: 'events.none.hr.people.x.created',
  message: JSON.stringify(message),
  images: '"before": null, "after": {"_uuid": "x"}',
  ageMs: 0,
  passesEarlier: false,
  ...more,
});

const parse = (payload: Uint8Array): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;

test('images are put into the message as they are', () => {
  const event = encodeRow(row({}), 1 << 20);
  expect(event.unencodable).toBe(false);
  expect(parse(event.payload)).toEqual({ ...message, before: null, after: { _uuid: 'x' } });
});

test('an object that does not fit is published as the same event without images', () => {
  const images = `"before": null, "after": {"text": "${'x'.repeat(10_000)}"}`;
  const event = encodeRow(row({ images }), 8000);
  expect(event.unencodable).toBe(true);
  const parsed = objectMessageSchema.parse(parse(event.payload));
  expect(parsed).toEqual({ ...message, before: null, after: null, unencodable: true });
});

test('a right that does not fit loses its state, which makes every reader load it anew', () => {
  const rights = { kind: 'rights', time: message.time, actor: null, state: { text: 'x'.repeat(10_000) } };
  const event = encodeRow(row({ message: JSON.stringify(rights), images: null }), 8000);
  expect(parse(event.payload)).toEqual({
    kind: 'rights',
    time: message.time,
    actor: null,
    unencodable: true,
  });
});
