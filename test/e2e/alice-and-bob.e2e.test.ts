import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { Follower } from '../support/follower.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

let platform: Platform;
let town: Town;

beforeAll(async () => {
  platform = await sharedPlatform();
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

async function follow(
  name: 'admin' | 'alice' | 'bob' | 'carol',
  gateway = 0,
  query?: string,
): Promise<Follower> {
  return Follower.start({
    bases: () => [platform.gateways[gateway]?.url ?? ''],
    api: platform.origin,
    collection: town.collection,
    token: town.tokens[name],
    ...(query === undefined ? {} : { query }),
  });
}

async function opened(...followers: Follower[]): Promise<void> {
  await waitFor(() => followers.every((follower) => follower.isOpen), { what: 'all streams open' });
}

const names = (follower: Follower): string[] => follower.events.map((event) => event.name);

beforeAll(async () => {
  town = await buildTown(platform.origin, platform.adminToken);
});

test('each of two readers on two gateways gets a new row with exactly the properties that the rules allow', async () => {
  await using alice = await follow('alice', 0);
  await using bob = await follow('bob', 1);
  await using carol = await follow('carol', 0);
  await opened(alice, bob, carol);
  const body = { titel: 'Losse tegel', status: 'nieuw', prioriteit: 3, melderEmail: 'jan@example.org' };
  const created = await town
    .as('alice')
    .send<{ id: string }>('POST', `/api/objects/${town.collection}`, body);
  await waitFor(() => alice.events.length === 1 && bob.events.length === 1, { what: 'both got the row' });
  expect(alice.events[0]).toMatchObject({ name: 'object.created', data: { uuid: created.id, object: body } });
  expect(bob.events[0]?.data.object).toMatchObject({ titel: 'Losse tegel', status: 'nieuw', prioriteit: 3 });
  expect(bob.events[0]?.text).not.toContain('jan@example.org');
  expect(bob.events[0]?.text).not.toContain('melderEmail');
  expect(alice.events[0]?.id).toBe(bob.events[0]?.id);
  expect(carol.events).toEqual([]);
});

test('a row that becomes confidential leaves with its id only, stays silent, and comes back whole', async () => {
  await using alice = await follow('alice', 1);
  await using bob = await follow('bob', 0);
  await opened(alice, bob);
  const path = `/api/objects/${town.collection}`;
  const row = await town.as('alice').send<{ id: string }>('POST', path, { titel: 'Klacht', status: 'nieuw' });
  await town
    .as('alice')
    .send('PATCH', `${path}/${row.id}`, { status: 'vertrouwelijk', titel: 'Zeer geheim' });
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { titel: 'Nog geheimer' });
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { status: 'afgehandeld', titel: 'Openbaar' });
  await waitFor(() => alice.events.length === 4 && bob.events.length === 3, { what: 'all changes arrived' });
  expect(names(alice)).toEqual(['object.created', 'object.updated', 'object.updated', 'object.updated']);
  expect(names(bob)).toEqual(['object.created', 'object.deleted', 'object.updated']);
  const [, left, entered] = bob.events;
  expect(left?.data).toEqual({
    uuid: row.id,
    register: town.collection.split('/')[0],
    schema: 'cases',
    transition: 'left',
  });
  expect(entered?.data).toMatchObject({
    transition: 'entered',
    object: { titel: 'Openbaar', status: 'afgehandeld' },
  });
  expect(entered?.data.changed).toBeUndefined();
  expect(bob.events.map((event) => event.text).join('')).not.toMatch(/eheim/);
});

test('a delete reaches those who could see the row and nobody else', async () => {
  await using alice = await follow('alice');
  await using bob = await follow('bob');
  await using carol = await follow('carol');
  await opened(alice, bob, carol);
  const path = `/api/objects/${town.collection}`;
  const hidden = await town
    .as('alice')
    .send<{ id: string }>('POST', path, { titel: 'x', status: 'vertrouwelijk' });
  const open = await town.as('alice').send<{ id: string }>('POST', path, { titel: 'y', status: 'nieuw' });
  await town.as('alice').send('DELETE', `${path}/${hidden.id}`);
  await town.as('alice').send('DELETE', `${path}/${open.id}`);
  await waitFor(() => alice.events.length === 4 && bob.events.length === 2, { what: 'the deletes arrived' });
  expect(bob.events.map((event) => event.data.uuid)).toEqual([open.id, open.id]);
  expect(bob.events[1]).toMatchObject({ name: 'object.deleted', data: { uuid: open.id } });
  expect(bob.events[1]?.data.object).toBeUndefined();
  expect(carol.events).toEqual([]);
});

test('an update of a hidden property tells a new version and not that property', async () => {
  const path = `/api/objects/${town.collection}`;
  const row = await town.as('alice').send<{ id: string }>('POST', path, { titel: 'z', status: 'nieuw' });
  await using bob = await follow('bob');
  await opened(bob);
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { melderEmail: 'geheim@example.org' });
  const update = await waitFor(() => bob.events.find((event) => event.data.version === 2), {
    what: 'the update arrived',
  });
  expect(update.data).toMatchObject({ uuid: row.id, version: 2, changed: {} });
  expect(update.text).not.toContain('geheim');
});

test('a cursor from one gateway is good at the other, and replay is judged as of now', async () => {
  const path = `/api/objects/${town.collection}`;
  await using before = await follow('bob', 0);
  await opened(before);
  const cursor = before.cursor;
  const kept = await town
    .as('alice')
    .send<{ id: string }>('POST', path, { titel: 'blijft', status: 'nieuw' });
  const hidden = await town
    .as('alice')
    .send<{ id: string }>('POST', path, { titel: 'Ooit openbaar', status: 'nieuw' });
  await town.as('alice').send('PATCH', `${path}/${hidden.id}`, { status: 'vertrouwelijk' });
  await waitFor(() => before.events.some((event) => event.data.transition === 'left'), {
    what: 'the row left',
  });
  const url = `${platform.gateways[1]?.url}/api/realtime/subscribe?topic=register/${town.collection.split('/')[0]}`;
  const text = await readStream(`${url}&token=${town.tokens.bob}&lastEventId=${cursor}`, kept.id);
  expect(text).toContain(kept.id);
  expect(text).not.toContain('Ooit openbaar');
});

/** The text of a stream until it holds `awaited` and has been read for one more position. */
async function readStream(url: string, awaited: string): Promise<string> {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal, headers: { accept: 'text/event-stream' } });
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes(awaited) && text.endsWith('\n\n')) break;
  }
  stop.abort();
  return text;
}

test('a plain SQL write is an event like any other', async () => {
  await using alice = await follow('alice');
  await opened(alice);
  const path = `/api/objects/${town.collection}`;
  const row = await town
    .as('alice')
    .send<{ id: string }>('POST', path, { titel: 'met de hand', status: 'nieuw' });
  await platform.sql(
    `update records.objects set properties = properties || '{"prioriteit": 5}' where uuid = $1`,
    [row.id],
  );
  await waitFor(() => alice.events.length === 2, { what: 'the SQL write arrived' });
  expect(alice.events[1]?.data).toMatchObject({ version: 2, changed: { prioriteit: { new: 5 } } });
});

test('a revoked token ends its streams and no other', async () => {
  const me = await town.as('bob').send<{ principal: { id: string } }>('GET', '/api/auth/me');
  const made = await town.admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
    principal: me.principal.id,
    name: 'short-lived',
  });
  await using other = await follow('bob');
  await using ending = await Follower.start({
    bases: () => [platform.gateways[0]?.url ?? ''],
    api: platform.origin,
    collection: town.collection,
    token: made.token,
  });
  await opened(other, ending);
  await town.admin.send('DELETE', `/api/auth/tokens/${made.id}`);
  await waitFor(() => ending.ends.length === 1, { what: 'the stream ended' });
  expect(JSON.parse(ending.ends[0] ?? '')).toMatchObject({ code: 'CREDENTIAL_ENDED', reconnect: false });
  expect((await createApi(platform.origin, made.token).ask('GET', '/api/auth/me')).status).toBe(401);
  expect(other.ends).toEqual([]);
  expect(other.isOpen).toBe(true);
});

test('what a filter or a field list names narrows the stream, with rows entering and leaving it', async () => {
  const path = `/api/objects/${town.collection}`;
  await using urgent = await follow('alice', 0, 'filter[prioriteit][gte]=4&_fields=titel,prioriteit');
  await opened(urgent);
  const row = await town
    .as('alice')
    .send<{ id: string }>('POST', path, { titel: 'f', status: 'nieuw', prioriteit: 1 });
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { prioriteit: 5 });
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { prioriteit: 2 });
  await waitFor(() => urgent.events.length === 2, { what: 'entered and left' });
  expect(urgent.events.map((event) => event.data.transition)).toEqual(['entered', 'left']);
  expect(urgent.events[0]?.data.object).not.toHaveProperty('status');
});

test('bad requests are refused before the stream, each in its own words', async () => {
  const gateway = createApi(platform.gateways[0]?.url ?? '', town.tokens.bob);
  const ask = async (query: string): Promise<{ status: number; code: unknown; message: string }> => {
    const answer = await gateway.ask('GET', `/api/realtime/subscribe?${query}`);
    const body = answer.body as { readonly code: unknown; readonly message: string };
    return { status: answer.status, code: body.code, message: body.message };
  };
  expect(await ask('topic=nonsense')).toMatchObject({ status: 400, code: 'MALFORMED_TOPIC' });
  expect((await ask('topic=nonsense')).message).toContain('register/{slug}');
  const absent = await ask('topic=register/absent');
  expect(absent).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  expect(await ask(`topic=organisation/${town.organisations.b}`)).toMatchObject({ status: 404 });
  expect(await ask(`topic=register/${town.collection.split('/')[0]}&filter[melderEmail]=a`)).toMatchObject({
    status: 400,
    code: 'UNKNOWN_FIELD',
  });
  const anonymous = createApi(platform.gateways[0]?.url ?? '');
  expect((await anonymous.ask('GET', '/api/realtime/subscribe?topic=register/absent')).status).toBe(401);
});
