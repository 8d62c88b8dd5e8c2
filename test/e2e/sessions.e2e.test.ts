import { randomUUID } from 'node:crypto';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { Watcher } from '../support/watcher.ts';

/** Sessions of browsers over the whole platform: one cookie for authz, records and both gateways. */
const PASSWORD = 'correct horse battery staple';
const FOREIGN = 'https://evil.example';
const ALLOWED = 'https://app.example';
let platform: Platform;
let town: Town;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2, settings: { TIDEWIRE_ALLOWED_ORIGINS: ALLOWED } });
  town = await buildTown(platform.origin, platform.adminToken);
}, 120_000);
afterAll(() => platform[Symbol.asyncDispose]());

/** Somebody with a password, who handles cases of A. */
async function createPerson(): Promise<string> {
  const id = `p-${randomUUID().slice(0, 12)}`;
  await town.admin.send('POST', '/api/principals', {
    id,
    name: id,
    organisations: [town.organisations.a],
    activeOrganisation: town.organisations.a,
    groups: [{ organisation: town.organisations.a, group: 'behandelaars' }],
  });
  await town.admin.send('PUT', `/api/principals/${id}/password`, { password: PASSWORD });
  return id;
}

const ask = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Answer> => createApi(platform.origin).ask(method, path, body, headers);

/** The cookie as a browser sends it back. */
function cookieOf({ headers }: Answer): string {
  const cookie = headers.get('set-cookie')?.split(';', 1)[0];
  if (cookie === undefined) throw new Error('no cookie was set');
  return cookie;
}

async function login(username: string, password = PASSWORD): Promise<string> {
  const answer = await ask('POST', '/api/auth/login', { origin: platform.origin }, { username, password });
  expect(answer.status).toBe(204);
  return cookieOf(answer);
}

const watch = (name: string, cookie: string, gateway = 0): Promise<Watcher> =>
  Watcher.open({
    name,
    base: platform.gateways[gateway]?.url ?? '',
    topics: [`organisation/${town.organisations.a}`],
    credential: { cookie },
  });

const createCase = (titel: string): Promise<unknown> =>
  town.as('alice').send('POST', `/api/objects/${town.collection}`, { titel, status: 'nieuw' });

const heard = (watcher: Watcher, titel: string): Promise<unknown> =>
  waitFor(() => watcher.events.some((event) => event.endsWith(titel)), {
    what: `${watcher.name} hears of ${titel}`,
    timeoutMs: 10_000,
  });

const ended = (watcher: Watcher): Promise<unknown> =>
  waitFor(() => watcher.ends.includes('CREDENTIAL_ENDED'), {
    what: `the stream of ${watcher.name} ends`,
    timeoutMs: 10_000,
  });

test('one login is enough for reading, writing, streams and polls, and none of them outlives the logout', async () => {
  const cookie = await login(await createPerson());
  using watcher = await watch('the browser', cookie);
  const titel = `by cookie ${randomUUID()}`;
  const path = `/api/objects/${town.collection}`;
  const written = await ask('POST', path, { cookie, origin: platform.origin }, { titel, status: 'nieuw' });
  expect(written.status).toBe(201);
  await heard(watcher, titel);
  expect((await ask('GET', path, { cookie })).status).toBe(200);
  const poll = `/api/realtime/poll?topic=organisation/${town.organisations.a}&timeoutMs=0`;
  expect((await ask('GET', poll, { cookie })).status).toBe(200);
  expect((await ask('POST', '/api/auth/logout', { cookie, origin: platform.origin })).status).toBe(204);
  await ended(watcher);
  await waitFor(async () => (await ask('GET', path, { cookie })).status === 401, { what: 'records knows' });
  await waitFor(async () => (await ask('GET', poll, { cookie })).status === 401, { what: 'gateways know' });
});

test('a session gets another secret under open streams, and both secrets work everywhere meanwhile', async () => {
  const old = await login(await createPerson());
  using watcher = await watch('the tab that stays', old);
  const rotated = await ask('POST', '/api/auth/session/rotate', { cookie: old, origin: platform.origin });
  const cookie = cookieOf(rotated);
  expect([rotated.status, cookie === old]).toEqual([204, false]);
  for (const sent of [cookie, old]) {
    expect((await ask('GET', `/api/objects/${town.collection}`, { cookie: sent })).status).toBe(200);
    expect((await ask('GET', '/api/realtime/status', { cookie: sent })).status).toBe(200);
  }
  const titel = `after the rotation ${randomUUID()}`;
  await createCase(titel);
  await heard(watcher, titel);
  expect(watcher.ends).toEqual([]);
});

test('another password ends all other sessions with their streams, and not the one that changed it', async () => {
  const id = await createPerson();
  const [laptop, phone] = [await login(id), await login(id)];
  using kept = await watch('the laptop', laptop);
  using lost = await watch('the phone', phone, 1);
  const body = { password: 'a longer password than before', currentPassword: PASSWORD };
  const headers = { cookie: laptop, origin: platform.origin };
  expect((await ask('PUT', `/api/principals/${id}/password`, headers, body)).status).toBe(204);
  await ended(lost);
  const titel = `after the change ${randomUUID()}`;
  await createCase(titel);
  await heard(kept, titel);
  expect(kept.ends).toEqual([]);
  expect((await ask('POST', '/api/auth/login', {}, { username: id, password: PASSWORD })).status).toBe(401);
});

test('a stream lives on with its session, whose use moves its end', async () => {
  const id = await createPerson();
  const cookie = await login(id);
  using watcher = await watch('the dashboard', cookie);
  const soonMs = Date.now() + 4_000;
  await platform.sql(
    `WITH unused AS (
       UPDATE authz.credential_uses u SET used_at = used_at - interval '1 hour'
       FROM authz.credentials c WHERE c.id = u.credential AND c.principal = $1)
     UPDATE authz.credentials SET expires_at = to_timestamp($2::float8 / 1000)
     WHERE principal = $1 AND type = 'session'`,
    [id, soonMs],
  );
  const me = await ask('GET', '/api/auth/me', { cookie });
  const { expiresAt } = (me.body as { credential: { expiresAt: string } }).credential;
  expect(Date.parse(expiresAt)).toBeGreaterThan(soonMs + 3_600_000);
  await waitFor(() => Date.now() > soonMs + 500, { what: 'its first end is over', timeoutMs: 20_000 });
  const titel = `past the first end ${randomUUID()}`;
  await createCase(titel);
  await heard(watcher, titel);
  expect(watcher.ends).toEqual([]);
});

test('a foreign page can do nothing with a session: no write, no stream, and it reads no answer', async () => {
  const cookie = await login(await createPerson());
  const path = `/api/objects/${town.collection}`;
  const stream = `/api/realtime/subscribe?topic=organisation/${town.organisations.a}`;
  const poll = stream.replace('subscribe', 'poll');
  const body = { titel: 'forged', status: 'nieuw' };
  const from = (origin: string) => ({ cookie, origin });
  const refused = [
    await ask('POST', path, from(FOREIGN), body),
    await ask('POST', path, from('null'), body),
    await ask('POST', path, { cookie }, body),
    await ask('GET', stream, from(FOREIGN)),
    await ask('GET', stream, { cookie, 'sec-fetch-site': 'cross-site' }),
    await ask('GET', poll, from(FOREIGN)),
    await ask('POST', '/api/auth/logout', from(FOREIGN)),
    await ask('POST', '/api/auth/session/rotate', from(FOREIGN)),
    await ask('POST', '/api/auth/login', from(FOREIGN), { username: 'x', password: 'x' }),
  ];
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
  expect((await ask('GET', '/api/auth/me', { cookie })).status).toBe(200);
  for (const target of [path, '/api/auth/me', '/api/realtime/status', '/api/docs/openapi.json']) {
    const mine = await ask('GET', target, from(ALLOWED));
    expect([target, mine.headers.get('access-control-allow-origin')]).toEqual([target, ALLOWED]);
    expect(mine.headers.get('access-control-allow-credentials')).toBe('true');
    expect(mine.headers.get('access-control-expose-headers')).toContain('X-Event-Position');
    const theirs = await ask('GET', target, from(FOREIGN));
    expect([target, theirs.headers.get('access-control-allow-origin')]).toEqual([target, null]);
    expect(theirs.headers.get('vary')).toContain('Origin');
  }
  const preflight = (origin: string): Promise<Answer> =>
    ask('OPTIONS', path, { origin, 'access-control-request-method': 'PATCH' });
  const allowed = await preflight(ALLOWED);
  expect([allowed.status, allowed.headers.get('access-control-allow-methods')]).toEqual([
    204,
    expect.stringContaining('PATCH'),
  ]);
  expect((await preflight(FOREIGN)).headers.get('access-control-allow-methods')).toBeNull();
});
