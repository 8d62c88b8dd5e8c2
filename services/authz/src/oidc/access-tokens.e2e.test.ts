import { randomUUID } from 'node:crypto';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AUDIENCE, startTestIssuer } from '../../test/test-issuer.ts';
import type { TestIssuer } from '../../test/test-issuer.ts';

/** Every other service knows access tokens by asking authz, and their end by the log: nothing else had to change. */
let platform: Platform;
let issuer: TestIssuer;
let issuerId: string;
let collection: string;
const organisation = randomUUID();
const mark = randomUUID().slice(0, 8);
const opened = new AbortController();

beforeAll(async () => {
  [platform, issuer] = await Promise.all([sharedPlatform(), startTestIssuer({ now: Date.now })]);
  const admin = (path: string, body: unknown) => call('POST', path, platform.adminToken, body, 201);
  await admin('/api/organisations', { id: organisation, slug: `org-${mark}`, name: 'Town' });
  await admin('/api/registers', { slug: `reg-${mark}`, title: 'Register' });
  await admin('/api/schemas', {
    register: `reg-${mark}`,
    slug: 'cases',
    title: 'Cases',
    properties: { title: { type: 'string' } },
    authorization: { read: ['handlers'], create: ['handlers'] },
  });
  collection = `/api/objects/reg-${mark}/cases`;
  const made = await admin('/api/issuers', {
    slug: `issuer-${mark}`,
    issuer: issuer.url,
    audiences: [AUDIENCE],
    organisations: [organisation],
    claims: { groups: { claim: 'groups', map: { handler: { organisation, group: 'handlers' } } } },
  });
  issuerId = String(made['id']);
});
afterEach(async () => {
  await call('PATCH', `/api/issuers/${issuerId}`, platform.adminToken, { provisioning: 'create' }, 200);
});
afterAll(async () => {
  opened.abort();
  await issuer[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

async function call(
  method: string,
  path: string,
  token: string,
  body: unknown,
  status: number,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${platform.origin}${path}`, {
    method,
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect([method, path, response.status, response.status === status ? '' : text]).toEqual([
    method,
    path,
    status,
    '',
  ]);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** A stream of the cases; `text` is what came until now, `ended` whether the server ended it. */
async function watch(token: string): Promise<{ text: string; ended: boolean }> {
  const url = `${platform.gateways[0]?.url}/api/realtime/subscribe?topic=register/reg-${mark}&token=${token}`;
  const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: opened.signal });
  expect(response.status).toBe(200);
  const seen = { text: '', ended: false };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) seen.text += decoder.decode(chunk, { stream: true });
    seen.ended = true;
  };
  void read().catch(() => undefined);
  return seen;
}

test('with an access token one writes, reads and is told, as with any other credential', async () => {
  const token = await issuer.sign({ sub: 'ann', groups: ['handler'] });
  const stream = await watch(token);
  await call('POST', collection, token, { title: 'broken lamp' }, 201);
  await waitFor(() => stream.text.includes('broken lamp'), { what: 'the stream tells of it' });
  const list = await call('GET', collection, token, undefined, 200);
  expect(list['results']).toMatchObject([{ title: 'broken lamp' }]);
});

test('a newer token that gives less ends what the streams of older ones may see', async () => {
  const handler = await issuer.sign({ sub: 'cleo', groups: ['handler'] });
  const bea = await issuer.sign({ sub: 'bea', groups: ['handler'] });
  const [stream, other] = [await watch(bea), await watch(handler)];
  // A principal that is new to a gateway may be told twice what it is: count from what all have seen.
  await call('POST', collection, handler, { title: 'for both' }, 201);
  await waitFor(() => [stream, other].every(({ text }) => text.includes('for both')), {
    what: 'both are told',
  });
  const before = [stream, other].map(resyncs);
  await call(
    'GET',
    '/api/auth/me',
    await issuer.sign({ sub: 'bea', groups: [], jti: 'newer' }),
    undefined,
    200,
  );
  await waitFor(() => resyncs(stream) > (before[0] ?? 0), {
    what: 'the stream is told that its rights changed',
  });
  await call('POST', collection, handler, { title: 'for handlers only' }, 201);
  await waitFor(() => other.text.includes('for handlers only'), { what: 'handlers are told' });
  await call('GET', collection, bea, undefined, 404);
  expect(stream.text).not.toContain('for handlers only');
  expect(resyncs(other)).toBe(before[1]);
});

const resyncs = ({ text }: { text: string }): number => text.split('"rights-changed"').length;

test('a change of the issuer ends the streams of its tokens, and no others', async () => {
  const token = await issuer.sign({ sub: 'dan', groups: ['handler'] });
  const [stream, admins] = [await watch(token), await watch(platform.adminToken)];
  await call('PATCH', `/api/issuers/${issuerId}`, platform.adminToken, { provisioning: 'existing' }, 200);
  await waitFor(() => stream.ended, { what: 'the stream ended' });
  expect(stream.text).toContain('CREDENTIAL_ENDED');
  await call('GET', collection, token, undefined, 401);
  await call('POST', collection, platform.adminToken, { title: 'afterwards' }, 201);
  await waitFor(() => admins.text.includes('afterwards'), {
    what: 'the stream of the administrator goes on',
  });
  expect(stream.text).not.toContain('afterwards');
  const next = await issuer.sign({ sub: 'dan', groups: ['handler'], jti: 'next' });
  await call('GET', collection, next, undefined, 200);
});
