import { REQUEST_SUBJECTS, authenticateReplySchema } from '@tidewire/contract';
import type { AuthenticateReply } from '@tidewire/contract';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PASSWORD, openBrowser } from '../../test/browser.ts';
import { query } from '../../test/owner.ts';
import { createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { Answer, RunningAuthz } from '../../test/start-authz.ts';
import { createAttemptLimit } from './attempt-limit-postgres.ts';
import { PasswordHasher } from './password-hasher.ts';
import { PasswordVerifier } from './password-verifier.ts';

const MARKER = 'marker-7b2e-long-enough';
let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
  for (const name of ['alice', 'bob', 'carol']) await setPassword(name);
});
afterAll(() => authz[Symbol.asyncDispose]());
// Everybody has all attempts again.
beforeEach(() => authz.clock.advance(60_000));

async function setPassword(name: string, password = PASSWORD): Promise<void> {
  const answer = await authz.ask('PUT', `/api/principals/${name}/password`, ADMIN_TOKEN, { password });
  expect(answer.status).toBe(204);
}

const basic = (secret: string, address = '198.51.100.1'): Promise<AuthenticateReply> =>
  authz.bus.request(
    REQUEST_SUBJECTS.authenticate,
    { type: 'basic', secret, address },
    authenticateReplySchema,
  );

/** All of an answer that could tell two refusals apart. */
function told({ status, headers, body }: Answer): unknown {
  const varying = new Set(['date', 'x-correlation-id']);
  return { status, headers: [...headers].filter(([name]) => !varying.has(name)), body };
}

test('an unknown name, a removed one, one without a password and a mistake are refused alike', async () => {
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: 'bare', name: 'Bare' });
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: 'gone', name: 'Gone' });
  await setPassword('gone');
  expect((await openBrowser(authz).login('gone')).status).toBe(204);
  await authz.ask('DELETE', '/api/principals/gone', ADMIN_TOKEN);
  const attempts = [
    ['alice', 'a wrong password'],
    ['nobody', PASSWORD],
    ['gone', PASSWORD],
    ['bare', PASSWORD],
    ['ALICE', PASSWORD],
    ['alice\u0000', PASSWORD],
    ["' OR true --", PASSWORD],
    ['\ud800', PASSWORD],
  ];
  const answers = [];
  for (const [username, password] of attempts) {
    answers.push(await openBrowser(authz).login(username ?? '', password));
  }
  expect(answers.map(({ status }) => status)).toEqual(attempts.map(() => 401));
  expect(new Set(answers.map((answer) => JSON.stringify(told(answer)))).size).toBe(1);
  expect(answers[0]?.body.message).toBe('The credential is not valid.');
  expect(answers[0]?.headers.get('set-cookie')).toBeNull();
});

test('compares once whoever is asked for, so that the time says nothing', async () => {
  const compared: boolean[] = [];
  class CountingHasher extends PasswordHasher {
    override async matches(stored: string | undefined, password: string): Promise<boolean> {
      compared.push(stored !== undefined);
      return await super.matches(stored, password);
    }
  }
  const { pool, clock } = authz;
  const limit = createAttemptLimit(pool, clock, { perUser: 100, perAddress: 100 });
  const verifier = new PasswordVerifier({ pool, clock, hasher: new CountingHasher(), limit });
  for (const name of ['alice', 'nobody', 'gone', 'bare', 'ALICE', 'a\u0000b', '']) {
    expect(await verifier.verify(name, 'a wrong password', '198.51.100.3')).toHaveProperty('refused');
  }
  expect(compared).toEqual([true, false, false, false, false, false, false]);
});

test('stores Argon2id and no password, and nothing of either leaves the database', async () => {
  await setPassword('bob', MARKER);
  const rows = await query<{ row: string; phc: string }>(
    authz.database.ownerUrl,
    `SELECT c::text || w::text AS row, w.phc FROM authz.credentials c JOIN authz.passwords w ON w.credential = c.id
     WHERE c.principal = 'bob'`,
  );
  expect(rows[0]?.phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(rows[0]?.row).not.toContain(MARKER);
  const outbox = await query<{ message: string }>(authz.database.ownerUrl, 'SELECT message FROM outbox.rows');
  const text = outbox.map(({ message }) => message).join('');
  expect(text).toContain('"password"');
  expect(text).not.toContain('argon2');
  await setPassword('bob');
  // Of what has been replaced not even the hash is kept.
  const left = await query(
    authz.database.ownerUrl,
    `SELECT FROM authz.passwords w JOIN authz.credentials c ON c.id = w.credential WHERE c.principal = 'bob'`,
  );
  expect(left).toHaveLength(1);
});

test('writes no password, cookie or secret of a session into its log, however a login ends', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice', MARKER);
  await browser.login(MARKER, MARKER);
  await browser.ask('POST', '/api/auth/login', { username: 'alice', password: { nested: MARKER } });
  await browser.ask('POST', '/api/auth/login', { username: 'alice', password: MARKER.repeat(100) });
  await browser.ask('POST', `/api/auth/login?password=${MARKER}`, { username: 'alice', password: MARKER });
  await authz.ask('PUT', '/api/principals/alice/password', people.alice, {
    password: MARKER,
    currentPassword: MARKER,
  });
  await basic(`alice:${MARKER}`);
  await basic(MARKER);
  await browser.login('alice');
  const secret = browser.cookie?.slice('tidewire_session='.length) ?? '';
  await browser.ask('POST', '/api/auth/session/rotate');
  authz.clock.advance(60_000);
  browser.cookie = `tidewire_session=${secret}`;
  await browser.ask('GET', '/api/auth/me');
  expect(authz.log()).toContain('login refused');
  expect(authz.log()).toContain('"reason":"replayed"');
  for (const text of [MARKER, secret, PASSWORD, 'argon2']) expect(authz.log()).not.toContain(text);
});

test('failures from one address are slowed down there, and lock nobody out elsewhere', async () => {
  const spoof = (address: string) => ({ 'x-forwarded-for': address });
  await using proxied = await startAuthz({ config: { TIDEWIRE_TRUSTED_PROXIES: '127.0.0.1' } });
  await createPeople(proxied);
  await proxied.ask('PUT', '/api/principals/alice/password', ADMIN_TOKEN, { password: PASSWORD });
  const login = (password: string, address: string, username = 'alice'): Promise<Answer> =>
    openBrowser(proxied).ask('POST', '/api/auth/login', { username, password }, spoof(address));
  for (let attempt = 0; attempt < 10; attempt += 1) {
    expect((await login('wrong', '198.51.100.7')).status).toBe(401);
  }
  const limited = await login(PASSWORD, '198.51.100.7');
  expect([limited.status, limited.body.code]).toEqual([429, 'RATE_LIMITED']);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(6);
  // The same whoever it is, known or not: a limit is no oracle.
  for (let attempt = 0; attempt < 10; attempt += 1) await login('wrong', '198.51.100.8', 'nobody');
  expect((await login('wrong', '198.51.100.8', 'nobody')).body).toEqual(limited.body);
  expect((await login(PASSWORD, '198.51.100.9')).status).toBe(204);
  expect((await login(PASSWORD, '2001:db8::1')).status).toBe(204);
  proxied.clock.advance(6_000);
  expect((await login(PASSWORD, '198.51.100.7')).status).toBe(204);
});

test('all replicas count together, and a flood of attempts at once gets no more than its share', async () => {
  const config = { TIDEWIRE_FAILED_LOGINS_PER_USER: 5, TIDEWIRE_FAILED_LOGINS_PER_ADDRESS: 8 };
  await using first = await startAuthz({ config });
  await using second = await startAuthz({ config, database: first.database, admin: false });
  const replicas = [first, second];
  const statuses = async (names: readonly string[]): Promise<number[]> =>
    await Promise.all(
      names.map(async (name, index) => {
        const replica = replicas[index % 2] ?? first;
        return (await openBrowser(replica).login(name, 'wrong')).status;
      }),
    );
  const flood = await statuses(Array.from({ length: 20 }, () => 'alice'));
  expect(flood.filter((status) => status === 401)).toHaveLength(5);
  expect(flood.filter((status) => status === 429)).toHaveLength(15);
  const others = await statuses(Array.from({ length: 20 }, (_, index) => `person-${index}`));
  expect(others.filter((status) => status === 401)).toHaveLength(3);
});

test('who logs in rightly uses up nothing', async () => {
  const statuses = [];
  for (let round = 0; round < 12; round += 1) statuses.push((await openBrowser(authz).login('alice')).status);
  expect(new Set(statuses)).toEqual(new Set([204]));
});

test('a name from the network under an IPv6 address counts for its network', async () => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    expect(await basic('alice:wrong', `2001:db8:1:2::${attempt + 1}`)).toMatchObject({
      code: 'UNAUTHORIZED',
    });
  }
  expect(await basic(`alice:${PASSWORD}`, '2001:db8:1:2:ffff::1')).toMatchObject({ code: 'RATE_LIMITED' });
  expect(await basic(`alice:${PASSWORD}`, '2001:db8:1:3::1')).toMatchObject({ ok: true });
});

test('Basic acts by the password itself: another password, or none, ends it', async () => {
  const accepted = await basic(`carol:${PASSWORD}`);
  expect(accepted).toMatchObject({
    ok: true,
    principal: { id: 'carol' },
    credential: { type: 'password', principal: 'carol', endedAt: null, expiresAt: null },
  });
  expect(await basic(`carol:${PASSWORD}`)).toMatchObject({ ok: true });
  const refused = [
    await basic('carol:wrong'),
    await basic('carol'),
    await basic(':'),
    await basic(`nobody:${PASSWORD}`),
    await basic(`carol:${PASSWORD}:more`),
  ];
  for (const reply of refused) {
    expect(reply).toEqual({ ok: false, code: 'UNAUTHORIZED', message: 'The credential is not valid.' });
  }
  await setPassword('carol', 'another password, with: colons');
  expect((await basic(`carol:${PASSWORD}`)).ok).toBe(false);
  expect((await basic('carol:another password, with: colons')).ok).toBe(true);
  expect((await authz.ask('DELETE', '/api/principals/carol/password', ADMIN_TOKEN)).status).toBe(204);
  expect((await basic('carol:another password, with: colons')).ok).toBe(false);
  await setPassword('carol');
});

test('one’s own password is changed with the current one only, and somebody else’s by nobody but an administrator', async () => {
  const next = 'an entirely different one';
  const put = (token: string, id: string, body: unknown): Promise<Answer> =>
    authz.ask('PUT', `/api/principals/${id}/password`, token, body);
  expect((await put(people.alice, 'alice', { password: next })).status).toBe(403);
  expect((await put(people.alice, 'alice', { password: next, currentPassword: 'wrong' })).status).toBe(403);
  const others = [
    await put(people.alice, 'bob', { password: next, currentPassword: PASSWORD }),
    await put(people.alice, 'nobody', { password: next }),
  ];
  expect(others.map(({ status }) => status)).toEqual([404, 404]);
  expect(JSON.stringify(others[0]?.body)).toBe(JSON.stringify(others[1]?.body));
  expect((await openBrowser(authz).login('alice')).status).toBe(204);
  expect((await put(people.alice, 'alice', { password: next, currentPassword: PASSWORD })).status).toBe(204);
  expect((await openBrowser(authz).login('alice')).status).toBe(401);
  expect((await openBrowser(authz).login('alice', next)).status).toBe(204);
  expect((await authz.ask('DELETE', '/api/principals/alice/password', people.alice)).status).toBe(403);
  await setPassword('alice');
  const bare = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { principal: 'bare', name: 'x' });
  expect((await put(bare.body.token, 'bare', { password: next })).status).toBe(403);
  const short = await put(ADMIN_TOKEN, 'bob', { password: 'elevenchars' });
  expect([short.status, short.body.errors[0].field]).toEqual([400, '/password']);
  expect((await put(ADMIN_TOKEN, 'nobody', { password: next })).status).toBe(404);
});

test('a limited token reaches neither sessions nor passwords', async () => {
  const scopes = { actions: ['read'] };
  const { body } = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { name: 'reader', scopes });
  const refused = [
    await authz.ask('GET', '/api/auth/sessions', body.token),
    await authz.ask('DELETE', '/api/auth/sessions', body.token),
    await authz.ask('PUT', '/api/principals/alice/password', body.token, { password: PASSWORD }),
    await authz.ask('DELETE', '/api/principals/alice/password', body.token),
    await authz.ask('POST', '/api/auth/session/rotate', body.token),
  ];
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
});

test('removing somebody ends their sessions and their password', async () => {
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: 'leaver', name: 'Leaver' });
  await setPassword('leaver');
  const browser = openBrowser(authz);
  await browser.login('leaver');
  await authz.ask('DELETE', '/api/principals/leaver', ADMIN_TOKEN);
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(401);
  expect((await basic(`leaver:${PASSWORD}`)).ok).toBe(false);
  const left = await query(
    authz.database.ownerUrl,
    `SELECT FROM authz.passwords w JOIN authz.credentials c ON c.id = w.credential WHERE c.principal = 'leaver'`,
  );
  expect(left).toEqual([]);
});

test('the cookie is for HTTPS only where the installation is reached so', async () => {
  await using secure = await startAuthz({ config: { TIDEWIRE_PUBLIC_URL: 'https://tide.example' } });
  await createPeople(secure);
  await secure.ask('PUT', '/api/principals/alice/password', ADMIN_TOKEN, { password: PASSWORD });
  const browser = openBrowser(secure, 'https://tide.example');
  for (const answer of [await browser.login('alice'), await browser.ask('POST', '/api/auth/logout')]) {
    expect(answer.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax; .*; Secure$/);
  }
});

test('only pages of allowed origins log in, rotate and log out', async () => {
  const browser = openBrowser(authz);
  await browser.login('alice');
  const foreign = openBrowser(authz, 'https://evil.example');
  foreign.cookie = browser.cookie;
  const nowhere = openBrowser(authz, null);
  nowhere.cookie = browser.cookie;
  const body = { username: 'alice', password: PASSWORD };
  const refused = [
    await foreign.ask('POST', '/api/auth/login', body),
    await foreign.ask('POST', '/api/auth/logout'),
    await foreign.ask('POST', '/api/auth/session/rotate'),
    await foreign.ask('DELETE', '/api/auth/sessions'),
    await nowhere.ask('POST', '/api/auth/logout'),
    await nowhere.ask('POST', '/api/auth/session/rotate'),
  ];
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
  expect(refused.map(({ headers }) => headers.get('set-cookie'))).toEqual(refused.map(() => null));
  expect((await browser.ask('GET', '/api/auth/me')).status).toBe(200);
  // A form of another site can send no JSON, and a program needs no origin.
  const form = await browser.ask('POST', '/api/auth/login', body, { 'content-type': 'text/plain' });
  expect(form.status).toBe(415);
  expect((await openBrowser(authz, null).ask('POST', '/api/auth/login', body)).status).toBe(204);
});
