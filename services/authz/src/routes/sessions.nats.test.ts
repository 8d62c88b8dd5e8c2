import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, openBrowser } from '../../test/browser.ts';
import { readOutbox } from '../../test/outbox.ts';
import { query } from '../../test/owner.ts';
import { createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

const HOUR_MS = 3_600_000;
let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
  for (const name of ['alice', 'bob', 'carol']) await setPassword(name);
});
afterAll(() => authz[Symbol.asyncDispose]());

async function setPassword(name: string, password = PASSWORD): Promise<void> {
  const { status } = await authz.ask('PUT', `/api/principals/${name}/password`, ADMIN_TOKEN, { password });
  expect(status).toBe(204);
}

const told = async (id: string) =>
  (await readOutbox(authz.database.ownerUrl))
    .map(({ state }) => state)
    .filter((state) => state.kind === 'credential' && state.id === id);

test('a login opens a session that every request may come with, until logout', async () => {
  const browser = openBrowser(authz);
  const answer = await browser.login('alice');
  expect([answer.status, answer.body]).toEqual([204, undefined]);
  expect(browser.setCookie).toMatch(
    /^tidewire_session=tw_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=604800$/,
  );
  const me = await browser.ask('GET', '/api/auth/me');
  expect(me.body).toMatchObject({
    principal: { id: 'alice' },
    credential: { type: 'session', principal: 'alice', scopes: null },
  });
  const cookie = browser.cookie;
  expect((await browser.ask('POST', '/api/auth/logout')).status).toBe(204);
  expect(browser.cookie).toBeUndefined();
  browser.cookie = cookie;
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
  expect(await told(me.body.credential.id)).toMatchObject([
    { type: 'session', endedAt: null },
    { type: 'session', endedAt: expect.any(String) },
  ]);
  // The cookie that is over keeps nobody from logging out or in again.
  expect((await browser.ask('POST', '/api/auth/logout')).status).toBe(204);
  browser.cookie = cookie;
  expect((await browser.login('alice')).status).toBe(204);
});

test('a login always gives a new secret and ends the session that the browser came with', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  const planted = browser.cookie ?? '';
  await browser.login('bob');
  expect(browser.cookie).not.toBe(planted);
  expect((await browser.ask('GET', '/api/auth/me')).body.principal.id).toBe('bob');
  browser.cookie = planted;
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
  const chosen = openBrowser(authz);
  chosen.cookie = 'tidewire_session=chosen-by-somebody-else';
  expect((await chosen.login('alice')).status).toBe(204);
  expect(chosen.cookie).not.toContain('chosen');
});

test('a rotation gives the session another secret: the same session, and the old secret works for 30 s', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  const { id } = (await browser.ask('GET', '/api/auth/me')).body.credential;
  const old = browser.cookie ?? '';
  expect((await browser.ask('POST', '/api/auth/session/rotate')).status).toBe(204);
  expect(browser.cookie).not.toBe(old);
  const tab = openBrowser(authz);
  for (const cookie of [browser.cookie, old]) {
    tab.cookie = cookie;
    authz.clock.advance(14_000);
    expect((await tab.ask('GET', '/api/auth/me')).body.credential.id).toBe(id);
  }
  // A tab whose answer was lost may rotate with what it has.
  expect((await tab.ask('POST', '/api/auth/session/rotate')).status).toBe(204);
  expect((await tab.ask('GET', '/api/auth/me')).body.credential.id).toBe(id);
  expect((await browser.ask('GET', '/api/auth/me')).body.credential.id).toBe(id);
});

test('a secret from before a rotation that comes after its time ends the session for whoever holds it', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  const { id } = (await browser.ask('GET', '/api/auth/me')).body.credential;
  const thief = openBrowser(authz);
  thief.cookie = browser.cookie;
  await browser.ask('POST', '/api/auth/session/rotate');
  authz.clock.advance(30_001);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(200);
  expect((await thief.ask('GET', '/api/auth/me')).status).toBe(401);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
  expect((await told(id)).at(-1)).toMatchObject({ endedAt: expect.any(String) });
  expect(authz.log()).toContain('a rotated secret came again');
});

test('what is no session has no secret to exchange', async () => {
  expect((await authz.ask('POST', '/api/auth/session/rotate', people.alice)).status).toBe(403);
  expect((await openBrowser(authz).ask('POST', '/api/auth/session/rotate')).status).toBe(401);
});

test('a session lasts while it is used, and no longer than it may; each minute of use is told once', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  const opened = (await browser.ask('GET', '/api/auth/me')).body.credential;
  const begun = authz.clock.now();
  expect(Date.parse(opened.expiresAt)).toBe(begun + 12 * HOUR_MS);
  for (let request = 0; request < 5; request += 1) await browser.ask('GET', '/api/auth/me');
  expect(await told(opened.id)).toHaveLength(1);
  let used = begun;
  while (authz.clock.now() < begun + 7 * 24 * HOUR_MS - 11 * HOUR_MS) {
    authz.clock.advance(11 * HOUR_MS);
    const { status, body } = await browser.ask('GET', '/api/auth/me');
    expect(status).toBe(200);
    used = authz.clock.now();
    const end = Math.min(used + 12 * HOUR_MS, begun + 7 * 24 * HOUR_MS);
    expect(Date.parse(body.credential.expiresAt)).toBe(end);
  }
  authz.clock.advance(begun + 7 * 24 * HOUR_MS - used);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
  const versions = (await told(opened.id)).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
});

test('a session that is not used for 12 hours is over', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  authz.clock.advance(12 * HOUR_MS - 1);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(200);
  authz.clock.advance(12 * HOUR_MS);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
});

test('everybody lists and ends their own sessions, an administrator everybody’s, and no list has a secret', async () => {
  const [laptop, phone] = [openBrowser(authz), openBrowser(authz)];
  await laptop.login('carol');
  await phone.login('carol');
  const { body } = await laptop.ask('GET', '/api/auth/sessions');
  expect(body).toMatchObject({ total: 2, results: [{ principal: 'carol' }, { principal: 'carol' }] });
  expect(body.results.filter((entry: { current: boolean }) => entry.current)).toHaveLength(1);
  expect(body.results[0]).toMatchObject({ address: '127.0.0.1', lastUsedAt: expect.any(String) });
  expect(JSON.stringify(body)).not.toContain(laptop.cookie?.slice('tidewire_session='.length));
  const other = body.results.find((entry: { current: boolean }) => !entry.current);
  const absent = '00000000-0000-4000-8000-000000000000';
  const alice = openBrowser(authz);
  await alice.login('alice');
  const refused = [
    await alice.ask('DELETE', `/api/auth/sessions/${other.id}`),
    await alice.ask('DELETE', `/api/auth/sessions/${absent}`),
    await alice.ask('GET', '/api/auth/sessions?principal=carol'),
    await alice.ask('GET', '/api/auth/sessions?principal=nobody'),
    await alice.ask('DELETE', '/api/auth/sessions?principal=carol'),
    await alice.ask('DELETE', '/api/auth/sessions?principal=nobody'),
  ];
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
  expect(new Set(refused.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  expect((await laptop.ask('DELETE', `/api/auth/sessions/${other.id}`)).status).toBe(204);
  expect((await phone.ask('GET', '/api/auth/me')).status).toBe(401);
  await phone.login('carol');
  expect((await laptop.ask('DELETE', '/api/auth/sessions')).status).toBe(204);
  expect((await phone.ask('GET', '/api/auth/me')).status).toBe(401);
  expect((await laptop.ask('GET', '/api/auth/me')).status).toBe(200);
  const all = await authz.ask('GET', '/api/auth/sessions?principal=carol', ADMIN_TOKEN);
  expect(all.body).toMatchObject({ total: 1, results: [{ current: false }] });
  await authz.ask('DELETE', '/api/auth/sessions?principal=carol', ADMIN_TOKEN);
  expect((await laptop.ask('GET', '/api/auth/me')).status).toBe(401);
  // Tokens are no sessions.
  expect((await authz.ask('GET', '/api/auth/me', people.carol)).status).toBe(200);
});

test('a principal has at most 100 sessions: the one used longest ago gives way', async () => {
  const first = openBrowser(authz);
  await first.login('bob');
  const second = openBrowser(authz);
  authz.clock.advance(1000);
  await second.login('bob');
  await authz.pool.query(
    `WITH made AS (
       INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at)
       SELECT 'session', 'bob', 'session', '', sha256(n::text::bytea), now() + interval '1 year'
       FROM generate_series(1, 98) AS n RETURNING id),
     kept AS (INSERT INTO authz.sessions SELECT id, now() + interval '1 year', 'test' FROM made)
     INSERT INTO authz.credential_uses SELECT id, now() + interval '1 month' FROM made`,
  );
  await openBrowser(authz).login('bob');
  expect((await first.ask('GET', '/api/auth/me')).status).toBe(401);
  expect((await second.ask('GET', '/api/auth/me')).status).toBe(200);
});

test('a token says when it was used last, to the minute', async () => {
  const { body } = await authz.ask('POST', '/api/auth/tokens', people.alice, { name: 'watched' });
  const lastUsedAt = async (): Promise<string | null> => {
    const list = await authz.ask('GET', '/api/auth/tokens', people.alice);
    return list.body.results.find((entry: { id: string }) => entry.id === body.id).lastUsedAt;
  };
  expect(await lastUsedAt()).toBeNull();
  const at = authz.clock.now();
  for (const ms of [0, 30_000, 30_000]) {
    authz.clock.advance(ms);
    await authz.ask('GET', '/api/auth/me', body.token);
    expect(Date.parse((await lastUsedAt()) ?? '')).toBe(authz.clock.now() - at < 60_000 ? at : at + 60_000);
  }
  expect(await told(body.id)).toHaveLength(1);
});

test('sessions that ended more than a day ago are forgotten, and no other credential is', async () => {
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: 'dora', name: 'Dora' });
  const insert = (type: string, secret: string, days: number): Promise<unknown> =>
    query(
      authz.database.ownerUrl,
      `INSERT INTO authz.credentials (type, principal, name, prefix, hash, ended_at)
       VALUES ($1, 'dora', $2, '', sha256(convert_to($2, 'UTF8')), now() - make_interval(days => $3))`,
      [type, secret, days],
    );
  await insert('session', 'long ago', 2);
  await insert('session', 'just now', 0);
  await insert('token', 'a token of long ago', 2);
  const left = async (): Promise<string[]> => {
    const rows = await query<{ name: string }>(
      authz.database.ownerUrl,
      `SELECT name FROM authz.credentials WHERE principal = 'dora' ORDER BY name`,
    );
    return rows.map(({ name }) => name);
  };
  await waitFor(
    async () => {
      authz.clock.advance(1_000);
      return (await left()).length === 2;
    },
    { what: 'the session of long ago is forgotten' },
  );
  expect(await left()).toEqual(['a token of long ago', 'just now']);
});
