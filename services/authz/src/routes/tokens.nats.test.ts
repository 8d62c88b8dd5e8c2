import { parseTimestamp } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOutbox } from '../../test/outbox.ts';
import { createPeople, createPerson, ORGANISATION_A } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());

test('gives the secret of a token once and never again', async () => {
  const created = await authz.ask('POST', '/api/auth/tokens', people.alice, { name: 'laptop' });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ principal: 'alice', name: 'laptop', expiresAt: null, scopes: null });
  expect(created.body.token).toMatch(/^tw_[A-Za-z0-9_-]{43}$/);
  expect((await authz.ask('GET', '/api/auth/me', created.body.token)).body.principal.id).toBe('alice');
  const listed = await authz.ask('GET', '/api/auth/tokens', people.alice);
  const entry = listed.body.results.find((token: { id: string }) => token.id === created.body.id);
  expect(entry).toMatchObject({ name: 'laptop', prefix: created.body.token.slice(0, 8), endedAt: null });
  expect(JSON.stringify(listed.body)).not.toContain(created.body.token);
});

test('stores a hash and no secret, and tells neither to the log', async () => {
  const { body } = await authz.ask('POST', '/api/auth/tokens', people.alice, { name: 'phone' });
  const { rows } = await authz.pool.query<{ row: string; hash: string }>(
    `SELECT c::text AS row, encode(hash, 'hex') AS hash FROM authz.credentials c WHERE id = $1`,
    [body.id],
  );
  expect(rows[0]?.row).not.toContain(body.token.slice(8));
  const told = (await readOutbox(authz.database.ownerUrl)).filter((message) => message.state.id === body.id);
  expect(told).toHaveLength(1);
  const text = JSON.stringify(told);
  expect(text).not.toContain(body.token.slice(0, 8));
  expect(text).not.toContain(rows[0]?.hash);
});

test('refuses a revoked token from the next request on and tells the log', async () => {
  const { body } = await authz.ask('POST', '/api/auth/tokens', people.bob, { name: 'old' });
  expect((await authz.ask('DELETE', `/api/auth/tokens/${body.id}`, people.bob)).status).toBe(204);
  expect((await authz.ask('GET', '/api/auth/me', body.token)).status).toBe(401);
  const told = (await readOutbox(authz.database.ownerUrl)).filter((message) => message.state.id === body.id);
  expect(told.map((message) => message.state)).toMatchObject([
    { version: 1, endedAt: null },
    { version: 2, endedAt: expect.any(String) },
  ]);
  expect((await authz.ask('DELETE', `/api/auth/tokens/${body.id}`, people.bob)).status).toBe(204);
});

test('does not reveal whether a token or a principal of somebody else exists', async () => {
  const { body } = await authz.ask('POST', '/api/auth/tokens', people.bob, { name: 'mine' });
  const absent = '00000000-0000-4000-8000-000000000000';
  const others = await Promise.all([
    authz.ask('DELETE', `/api/auth/tokens/${body.id}`, people.alice),
    authz.ask('DELETE', `/api/auth/tokens/${absent}`, people.alice),
    authz.ask('POST', '/api/auth/tokens', people.alice, { principal: 'bob', name: 'x' }),
    authz.ask('POST', '/api/auth/tokens', people.alice, { principal: 'nobody', name: 'x' }),
    authz.ask('GET', '/api/auth/tokens?principal=bob', people.alice),
    authz.ask('GET', '/api/auth/tokens?principal=nobody', people.alice),
  ]);
  expect(others.map((answer) => answer.status)).toEqual([404, 404, 404, 404, 404, 404]);
  expect(new Set(others.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  expect((await authz.ask('GET', '/api/auth/me', body.token)).status).toBe(200);
});

test('lets a limited token say who it is and nothing else, least of all make a better token', async () => {
  const scopes = { actions: ['read'] };
  const { body } = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { name: 'reader', scopes });
  const me = await authz.ask('GET', '/api/auth/me', body.token);
  expect([me.status, me.body.credential.scopes]).toEqual([200, scopes]);
  const refused = await Promise.all([
    authz.ask('POST', '/api/auth/tokens', body.token, { name: 'better' }),
    authz.ask('GET', '/api/auth/tokens', body.token),
    authz.ask('POST', '/api/principals', body.token, { id: 'eve', name: 'Eve' }),
    authz.ask('GET', '/api/policies', body.token),
    authz.ask('POST', `/api/organisations/${ORGANISATION_A}/set-active`, body.token),
  ]);
  expect(refused.map((answer) => answer.status)).toEqual([403, 403, 403, 403, 403]);
});

test('ends a token when its time is over, by the injected clock, and the log tells everybody', async () => {
  const expiresAt = new Date(authz.clock.now() + 60_000).toISOString();
  const { body } = await authz.ask('POST', '/api/auth/tokens', people.alice, { name: 'short', expiresAt });
  expect(body.expiresAt).toBe(expiresAt);
  authz.clock.advance(59_000);
  expect((await authz.ask('GET', '/api/auth/me', body.token)).status).toBe(200);
  authz.clock.advance(1_001);
  expect((await authz.ask('GET', '/api/auth/me', body.token)).status).toBe(401);
  const ended = await waitFor(
    async () => {
      const told = await readOutbox(authz.database.ownerUrl);
      return told.map(({ state }) => state).find((state) => state.id === body.id && state.version === 2);
    },
    { what: 'the expiry is on its way to the log' },
  );
  expect(ended).toMatchObject({ kind: 'credential', endedAt: expect.any(String) });
  expect(parseTimestamp((ended as { endedAt: string }).endedAt)).toBeGreaterThanOrEqual(
    parseTimestamp(expiresAt) ?? 0,
  );
});

test.each([
  ['a time that is over', { expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
  ['a date without a time', { expiresAt: '2090-01-01' }, '/expiresAt'],
  ['a day that is in no calendar', { expiresAt: '2090-02-30T00:00:00Z' }, '/expiresAt'],
  ['a topic of no form', { scopes: { topics: ['register/a', 'orders'] } }, '/scopes/topics/1'],
  ['an unknown action', { scopes: { actions: ['fly'] } }, '/scopes/actions/0'],
  ['an unknown limit, which would not limit', { scopes: { action: ['read'] } }, '/scopes/action'],
  ['an unknown member', { admin: true }, '/admin'],
  ['a name with control characters', { name: 'a\u0000b' }, '/name'],
])('refuses a token with %s', async (_what, extra, field) => {
  const answer = await authz.ask('POST', '/api/auth/tokens', people.alice, { name: 'x', ...extra });
  expect([answer.status, answer.body.errors?.[0].field]).toEqual([400, field]);
});

test('lets nobody choose a secret unless the installation is a demo', async () => {
  const body = { name: 'demo', secret: 'demo-alice' };
  const refused = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { principal: 'alice', ...body });
  expect(refused.status).toBe(403);
  await using demo = await startAuthz({ config: { TIDEWIRE_CHOSEN_TOKENS: true } });
  const bob = await createPeople(demo).then(({ bob: token }) => token);
  expect((await demo.ask('POST', '/api/auth/tokens', bob, body)).status).toBe(403);
  const chosen = await demo.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { principal: 'alice', ...body });
  expect([chosen.status, chosen.body.token]).toEqual([201, 'demo-alice']);
  expect((await demo.ask('GET', '/api/auth/me', 'demo-alice')).body.principal.id).toBe('alice');
  const again = await demo.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { principal: 'bob', ...body });
  expect(again.status).toBe(409);
});

test('bounds the tokens of one principal', async () => {
  const token = await createPerson(authz, 'collector', ORGANISATION_A, []);
  for (let count = 1; count < 100; count++) {
    expect((await authz.ask('POST', '/api/auth/tokens', token, { name: 'x' })).status).toBe(201);
  }
  expect((await authz.ask('POST', '/api/auth/tokens', token, { name: 'x' })).status).toBe(409);
});
