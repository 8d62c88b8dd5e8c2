import { randomUUID } from 'node:crypto';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { Watcher } from '../support/watcher.ts';

/**
 * A change of rights reaches the streams that it concerns, and no others: the streams of everybody else are counted too.
 * A marker that comes afterwards is waited for on each of them, so that "nothing came" is not merely "not yet".
 */
let platform: Platform;
let town: Town;
let register: string;
let watchers: Watcher[] = [];

beforeAll(async () => {
  platform = await sharedPlatform();
  town = await buildTown(platform.origin, platform.adminToken);
  register = town.collection.split('/')[0] ?? '';
  await createSchema('markers', { read: ['authenticated'], create: ['authenticated'] });
  await createSchema('owned', { read: [], create: ['authenticated'], update: [], delete: [] });
});

afterEach(() => {
  for (const watcher of watchers) watcher[Symbol.dispose]();
  watchers = [];
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

async function createSchema(slug: string, authorization: unknown): Promise<string> {
  const { id } = await town.admin.send<{ id: string }>('POST', '/api/schemas', {
    register,
    slug,
    title: slug,
    properties: { titel: { type: 'string' } },
    authorization,
  });
  return id;
}

/** A principal of its own for one test, with a token. */
async function createPerson(
  organisations: readonly string[],
  groups: readonly string[] = [],
): Promise<{ id: string; token: string }> {
  const id = `p-${randomUUID().slice(0, 12)}`;
  const [active] = organisations;
  await town.admin.send('POST', '/api/principals', {
    id,
    name: id,
    organisations,
    activeOrganisation: active,
    groups: groups.map((group) => ({ organisation: active, group })),
  });
  return { id, token: await createToken(id) };
}

async function createToken(principal: string): Promise<string> {
  return (await createTokenEntry(principal)).token;
}

async function createTokenEntry(principal: string): Promise<{ id: string; token: string }> {
  return await town.admin.send('POST', '/api/auth/tokens', { principal, name: 'watcher' });
}

async function logIn(username: string, password: string): Promise<{ cookie: string }> {
  const { status, headers } = await createApi(platform.origin).ask('POST', '/api/auth/login', {
    username,
    password,
  });
  expect(status).toBe(204);
  return { cookie: headers.getSetCookie()[0]?.split(';')[0] ?? '' };
}

/** Opens a stream on the register, on one gateway after the other. */
async function watch(
  name: string,
  credential: { token: string } | { cookie: string },
  topics = [`register/${register}`],
): Promise<Watcher> {
  const base = platform.gateways[watchers.length % platform.gateways.length]?.url ?? '';
  const watcher = await Watcher.open({ name, base, topics, credential });
  watchers.push(watcher);
  return watcher;
}

/** The people of the town, two streams each: nothing that happens to somebody else may disturb them. */
async function watchTown(): Promise<void> {
  for (const name of ['alice', 'bob', 'carol', 'admin'] as const) {
    await watch(name, { token: town.tokens[name] });
    await watch(name, { token: town.tokens[name] });
  }
}

/**
 * Waits until exactly these streams were told to fetch again, once each, and then until everybody got a marker: whoever
 * else had been told would have been told before it.
 */
async function expectResyncs(affected: readonly Watcher[]): Promise<void> {
  await waitFor(() => affected.every(({ resyncs }) => resyncs.length > 0), { what: 'the affected are told' });
  await passMarker(watchers);
  expect(watchers.filter(({ resyncs }) => resyncs.length > 0).map(({ name }) => name)).toEqual(
    affected.map(({ name }) => name),
  );
  for (const watcher of affected) expect(watcher.resyncs).toEqual(['rights-changed']);
}

async function passMarker(all: readonly Watcher[]): Promise<void> {
  const titel = randomUUID();
  const marker = `object.created ${titel}`;
  for (const name of ['alice', 'carol'] as const) {
    await town.as(name).send('POST', `/api/objects/${register}/markers`, { titel });
  }
  const living = all.filter(({ ends }) => ends.length === 0);
  await waitFor(() => living.every(({ events }) => events.includes(marker)), {
    what: 'everybody has the marker',
    timeoutMs: 10_000,
  });
}

test('a change of a policy is told to those who see something else by it, and to nobody else', async () => {
  const policy = `/api/policies/schema/${town.schemaId}`;
  await watchTown();
  const elsewhere = await watch('bob elsewhere', { token: town.tokens.bob }, [
    `register/${register}/schema/markers`,
  ]);
  const bobs = watchers.filter(({ name }) => name === 'bob');
  // Handlers and administrators see every row before and after.
  await town.admin.send('PUT', policy, { authorization: { read: ['behandelaars'] } });
  await expectResyncs(bobs);
  expect(elsewhere.resyncs).toEqual([]);
  for (const watcher of watchers) watcher.resyncs.length = 0;
  await town.admin.send('PUT', policy, { authorization: town.rules });
  await expectResyncs(bobs);
});

test('joining and leaving a group is told to the streams of that principal only', async () => {
  await watchTown();
  const erin = await createPerson([town.organisations.a]);
  const own = [await watch('erin', erin), await watch('erin', { token: await createToken(erin.id) })];
  const member = `/api/groups/${town.organisations.a}/behandelaars/members/${erin.id}`;
  await town.admin.send('PUT', member);
  await expectResyncs(own);
  for (const watcher of own) watcher.resyncs.length = 0;
  await town.admin.send('DELETE', member);
  await expectResyncs(own);
});

test('a group that no rule names disturbs nobody, not even who joins it', async () => {
  const erin = await createPerson([town.organisations.a]);
  await watch('erin', erin);
  await town.admin.send('PUT', `/api/groups/${town.organisations.a}/kaartclub/members/${erin.id}`);
  await expectResyncs([]);
});

test('another organisation above one’s own is told to those who act below it', async () => {
  const child = randomUUID();
  const slug = `child-${child.slice(0, 8)}`;
  await town.admin.send('POST', '/api/organisations', { id: child, slug, name: 'Child' });
  await watchTown();
  const below = await createPerson([child]);
  // Their markers come from the organisation above, which is the point.
  const own = [await watch('below', below), await watch('below', below)];
  await town.admin.send('PATCH', `/api/organisations/${child}`, { parent: town.organisations.a });
  await expectResyncs(own);
  for (const watcher of own) watcher.resyncs.length = 0;
  await town.admin.send('PATCH', `/api/organisations/${child}`, { name: 'Renamed' });
  await expectResyncs([]);
});

test('membership of an organisation, and which one is active, is told to the streams of that principal only', async () => {
  const { a, b } = town.organisations;
  await watchTown();
  const gina = await createPerson([a, b]);
  const own = [await watch('gina', gina), await watch('gina', gina)];
  await createApi(platform.origin, gina.token).send('POST', `/api/organisations/${b}/set-active`);
  await expectResyncs(own);
  for (const watcher of own) watcher.resyncs.length = 0;
  // Not the active one, but whose actors she is told about.
  await town.admin.send('PATCH', `/api/principals/${gina.id}`, { organisations: [b] });
  await expectResyncs(own);
  for (const watcher of own) watcher.resyncs.length = 0;
  // Several changes in one request are one change to whoever is told.
  await town.admin.send('PATCH', `/api/principals/${gina.id}`, {
    organisations: [a],
    activeOrganisation: a,
    groups: [{ organisation: a, group: 'behandelaars' }],
  });
  await expectResyncs(own);
});

test('an object that is given to another owner leaves the one and comes to the other, and nobody fetches again', async () => {
  const [one, two] = [await createPerson([town.organisations.a]), await createPerson([town.organisations.a])];
  const path = `/api/objects/${register}/owned`;
  await watchTown();
  const giver = await watch('giver', one);
  const taker = await watch('taker', two);
  const { id } = await createApi(platform.origin, one.token).send<{ id: string }>('POST', path, {
    titel: 'mine',
  });
  await town.admin.send('PUT', `${path}/${id}/owner`, { owner: two.id });
  await expectResyncs([]);
  const ofOwned = ({ events }: Watcher): string[] =>
    events.filter((event) => event.endsWith(' mine') || event.endsWith(' left'));
  expect(ofOwned(giver)).toEqual(['object.created mine', 'object.deleted left']);
  expect(ofOwned(taker)).toEqual(['object.updated mine']);
  for (const watcher of watchers.filter(({ name }) => ['alice', 'bob', 'carol'].includes(name))) {
    expect(ofOwned(watcher)).toEqual([]);
  }
});

test('a token that is revoked ends its own streams, and no other of the same principal', async () => {
  await watchTown();
  const erin = await createPerson([town.organisations.a]);
  const entry = await createTokenEntry(erin.id);
  const revoked = [await watch('revoked', entry), await watch('revoked', entry)];
  await watch('kept', erin);
  await town.admin.send('DELETE', `/api/auth/tokens/${entry.id}`);
  await waitFor(() => revoked.every(({ ends }) => ends.length > 0), { what: 'the streams of the token end' });
  await expectResyncs([]);
  expect(watchers.filter(({ ends }) => ends.length > 0).map(({ name }) => name)).toEqual([
    'revoked',
    'revoked',
  ]);
  expect(revoked.flatMap(({ ends }) => ends)).toEqual(['CREDENTIAL_ENDED', 'CREDENTIAL_ENDED']);
});

test('a session that logs out ends its own streams; another one of the same principal, and one that rotates, go on', async () => {
  await watchTown();
  const erin = await createPerson([town.organisations.a]);
  const password = randomUUID();
  await town.admin.send('PUT', `/api/principals/${erin.id}/password`, { password });
  const [first, second] = [await logIn(erin.id, password), await logIn(erin.id, password)];
  const leaving = await watch('leaving', first);
  const staying = await watch('staying', second);
  const page = { origin: platform.origin };
  const send = async (path: string, cookie: string): Promise<number> =>
    (await createApi(platform.origin).ask('POST', path, undefined, { ...page, cookie })).status;
  expect(await send('/api/auth/session/rotate', second.cookie)).toBe(204);
  expect(await send('/api/auth/logout', first.cookie)).toBe(204);
  await waitFor(() => leaving.ends.length > 0, { what: 'the stream of the session ends' });
  await expectResyncs([]);
  expect(leaving.ends).toEqual(['CREDENTIAL_ENDED']);
  expect(staying.ends).toEqual([]);
  expect(watchers.filter(({ ends }) => ends.length > 0)).toEqual([leaving]);
});

test('a principal that is removed loses all of its streams, and nobody else any', async () => {
  await watchTown();
  const erin = await createPerson([town.organisations.a]);
  const own = [await watch('erin', erin), await watch('erin', { token: await createToken(erin.id) })];
  await town.admin.send('DELETE', `/api/principals/${erin.id}`);
  await waitFor(() => own.every(({ ends }) => ends.length > 0), { what: 'its streams end' });
  await expectResyncs([]);
  expect(watchers.filter(({ ends }) => ends.length > 0).map(({ name }) => name)).toEqual(['erin', 'erin']);
});

test('a stream is found, renewed and ended through the one origin, whatever gateway has it', async () => {
  const erin = await createPerson([town.organisations.a]);
  const entry = await createTokenEntry(erin.id);
  const stream = await watch('erin', entry);
  const erins = createApi(platform.origin, erin.token);
  expect((await erins.ask('POST', `/api/realtime/connections/${stream.connection}/token`)).status).toBe(204);
  await town.admin.send('DELETE', `/api/auth/tokens/${entry.id}`);
  await expectResyncs([]);
  expect(stream.ends).toEqual([]);
  const page = await town.admin.send<{ connections: { id: string; address: string }[]; incomplete: boolean }>(
    'GET',
    `/api/connections?principal=${erin.id}`,
  );
  expect(page).toMatchObject({ incomplete: false, total: 1 });
  expect(page.connections).toMatchObject([{ id: stream.connection, address: '127.0.0.1', transport: 'sse' }]);
  expect((await town.admin.ask('DELETE', `/api/connections/${stream.connection}`)).status).toBe(204);
  await waitFor(() => stream.ends.length > 0, { what: 'the stream ends' });
  expect(stream.ends).toEqual(['CONNECTION_ENDED']);
});
