import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

let platform: Platform;
let town: Town;
let cases: string;

beforeAll(async () => {
  platform = await sharedPlatform();
  town = await buildTown(platform.origin, platform.adminToken);
  cases = `/api/objects/${town.collection}`;
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly _version: number };

async function idOf(api: Api): Promise<string> {
  return (await api.send<{ principal: { id: string } }>('GET', '/api/auth/me')).principal.id;
}

/** Everything that processes, the log of events and the database have written to disk. */
function writtenFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('a token is nowhere: not in logs, in the log of events, in the database, in metrics or in refusals', async () => {
  const made = await town.admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
    principal: await idOf(town.as('alice')),
    name: 'marked',
  });
  const forged = `tw_forged-${randomUUID()}`;
  const refusals: string[] = [];
  for (const token of [made.token, forged]) {
    const api = createApi(platform.origin, token);
    const paths = [cases, '/api/auth/me', '/api/registers', `/api/realtime/topics`, `/api/nothing/${token}`];
    for (const path of paths) refusals.push(JSON.stringify((await api.ask('GET', path)).body));
    const open = createApi(platform.origin);
    for (const path of [
      cases,
      `/api/realtime/poll?topic=register/${town.collection.split('/')[0]}&timeoutMs=0`,
    ]) {
      const query = `${path.includes('?') ? '&' : '?'}token=${token}`;
      refusals.push(JSON.stringify((await open.ask('GET', `${path}${query}`)).body));
    }
    refusals.push(
      JSON.stringify((await open.ask('GET', cases, undefined, { cookie: `tidewire_session=${token}` })).body),
    );
    refusals.push(JSON.stringify((await api.ask('POST', cases, { titel: 5 })).body));
  }
  await createApi(platform.origin, made.token).send('POST', cases, { titel: 'marked', status: 'nieuw' });
  await town.admin.send('DELETE', `/api/auth/tokens/${made.id}`);
  await waitFor(() => platform.log('authz').length > 0, { what: 'authz has logged' });
  expect(refusals.filter((text) => text.includes(made.token) || text.includes('forged'))).toEqual([
    // What does not exist is named by its own path, which the asker sent.
  ]);
  const secrets = [made.token, forged].map((token) => Buffer.from(token));
  const holders = writtenFiles(platform.dataFolder).filter((file) => {
    const bytes = readFileSync(file);
    return secrets.some((secret) => bytes.includes(secret));
  });
  expect(holders).toEqual([]);
  for (const name of ['records', 'authz', 'relay', 'fanout-gateway-1', 'fanout-gateway-2']) {
    const metrics = await fetch(`${platform.urls[name]}/metrics`);
    const text = await metrics.text();
    expect([name, metrics.status, text.includes('# TYPE')]).toEqual([name, 200, true]);
    expect(text).not.toContain(made.token);
    expect(text).not.toContain('forged');
  }
});

test('a writer cannot give a row to another owner or organisation, at creation or later', async () => {
  const bob = town.as('bob');
  const stolen = {
    titel: 'x',
    status: 'nieuw',
    _owner: await idOf(town.as('alice')),
    _organisation: town.organisations.b,
  };
  const created = await bob.send<Row>('POST', cases, stolen);
  expect(created).toMatchObject({ _owner: await idOf(bob), _organisation: town.organisations.a });
  const patched = await bob.send<Row>('PATCH', `${cases}/${created.id}`, stolen);
  expect(patched).toMatchObject({ _owner: await idOf(bob), _organisation: town.organisations.a });
  expect((await town.as('carol').ask('GET', `${cases}/${created.id}`)).status).toBe(404);
});

test('a patch can neither take a row out of its writer’s reach nor pull one in', async () => {
  const match = { group: 'authenticated', match: { status: { $in: ['nieuw', 'in_behandeling'] } } };
  const schema = await town.admin.send<{ id: string }>('POST', '/api/schemas', {
    register: town.collection.split('/')[0],
    slug: 'reach',
    authorization: { read: ['authenticated'], create: ['authenticated'], update: [match], delete: [match] },
    properties: { status: { type: 'string' } },
  });
  const path = `/api/objects/${town.collection.split('/')[0]}/reach`;
  const open = await town.as('alice').send<Row>('POST', path, { status: 'nieuw' });
  const shut = await town.as('alice').send<Row>('POST', path, { status: 'afgehandeld' });
  const bob = town.as('bob');
  expect((await bob.ask('PATCH', `${path}/${open.id}`, { status: 'afgehandeld' })).status).toBe(403);
  expect((await bob.ask('PATCH', `${path}/${shut.id}`, { status: 'nieuw' })).status).toBe(403);
  expect((await bob.ask('DELETE', `${path}/${shut.id}`)).status).toBe(403);
  expect(await bob.send<Row>('GET', `${path}/${open.id}`)).toMatchObject({ status: 'nieuw', _version: 1 });
  expect(await bob.send<Row>('GET', `${path}/${shut.id}`)).toMatchObject({
    status: 'afgehandeld',
    _version: 1,
  });
  await town.admin.send('DELETE', `/api/schemas/${schema.id}`);
});

test('nobody makes itself an administrator, a member, or a member of a group', async () => {
  const bob = town.as('bob');
  const id = await idOf(bob);
  const { a, b } = town.organisations;
  const before = (await bob.ask('GET', '/api/auth/me')).body;
  const attempts: readonly (readonly [string, string, unknown])[] = [
    ['PATCH', `/api/principals/${id}`, { admin: true }],
    ['PATCH', `/api/principals/${id}`, { groups: [{ organisation: a, group: 'behandelaars' }] }],
    ['PATCH', `/api/principals/${id}`, { organisations: [a, b], activeOrganisation: b }],
    ['POST', '/api/principals', { id: `${id}-2`, name: 'x', admin: true }],
    ['PUT', `/api/groups/${a}/behandelaars/members/${id}`, undefined],
    ['PUT', `/api/groups/${a}/admin/members/${id}`, undefined],
    ['POST', `/api/organisations/${b}/set-active`, undefined],
    ['PATCH', `/api/organisations/${a}`, { parent: b }],
    ['PUT', `/api/policies/schema/${town.schemaId}`, { authorization: { read: ['public'] } }],
    ['PATCH', `/api/schemas/${town.schemaId}`, { authorization: { read: ['public'] } }],
  ];
  for (const [method, path, body] of attempts) {
    expect([method, path, (await bob.ask(method, path, body)).status]).toEqual([
      method,
      path,
      expect.toSatisfy(isRefusal),
    ]);
  }
  expect((await bob.ask('GET', '/api/auth/me')).body).toEqual(before);
});

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

test('groups that are called as what only the platform gives grant nothing', async () => {
  const id = await idOf(town.as('bob'));
  for (const group of ['admin', 'public', 'authenticated']) {
    await town.admin.ask('PUT', `/api/groups/${town.organisations.a}/${group}/members/${id}`);
  }
  const hidden = await town.as('alice').send<Row>('POST', cases, { titel: 'x', status: 'vertrouwelijk' });
  expect((await town.as('bob').ask('GET', `${cases}/${hidden.id}`)).status).toBe(404);
  expect((await town.as('bob').ask('GET', '/api/principals/admin')).status).toBe(404);
});

test('a limited token can neither widen itself nor do by another way what it may not', async () => {
  const alice = town.as('alice');
  const [register = ''] = town.collection.split('/');
  const scopes = { topics: [`register/${register}/schema/cases`], actions: ['read'] };
  const made = await alice.send<{ token: string }>('POST', '/api/auth/tokens', { name: 'limited', scopes });
  const limited = createApi(platform.origin, made.token);
  const row = await alice.send<Row>('POST', cases, { titel: 'x', status: 'nieuw' });
  expect((await limited.ask('GET', `${cases}/${row.id}`)).status).toBe(200);
  const table = `/api/tables/${town.schemaId}/records`;
  const attempts: readonly (readonly [string, string, unknown])[] = [
    ['POST', '/api/auth/tokens', { name: 'wider' }],
    ['POST', cases, { titel: 'x' }],
    ['PATCH', `${cases}/${row.id}`, { titel: 'y' }],
    ['DELETE', `${cases}/${row.id}`, undefined],
    ['POST', `${table}/batch`, { records: [{ fields: { titel: 'x' } }] }],
    ['PATCH', `${table}/batch`, { records: [{ id: row.id, fields: { titel: 'x' } }] }],
    ['POST', `${table}/upsert`, { records: [{ fields: { titel: 'x' } }], fieldsToMergeOn: ['titel'] }],
    ['POST', `${table}/${row.id}/restore`, undefined],
    ['POST', `/api/organisations/${town.organisations.a}/set-active`, undefined],
    ['GET', '/api/auth/tokens', undefined],
    ['GET', `/api/realtime/poll?topic=organisation/${town.organisations.b}&timeoutMs=0`, undefined],
  ];
  for (const [method, path, body] of attempts) {
    expect([method, path, (await limited.ask(method, path, body)).status]).toEqual([
      method,
      path,
      expect.toSatisfy(isRefusal),
    ]);
  }
  expect(await alice.send<Row>('GET', `${cases}/${row.id}`)).toMatchObject({ titel: 'x', _version: 1 });
});

test('names that JavaScript gives a meaning are groups, properties and values like any other', async () => {
  const [register = ''] = town.collection.split('/');
  const read = ['constructor', { group: 'authenticated', match: { constructor: 'hasOwnProperty' } }];
  const schema = await town.admin.send<{ id: string }>('POST', '/api/schemas', {
    register,
    slug: 'constructor',
    authorization: { read, create: ['authenticated'], update: [], delete: [] },
    properties: {
      constructor: { type: 'string' },
      toString: { type: 'string', authorization: { read: ['valueOf'] } },
    },
  });
  const path = `/api/objects/${register}/constructor`;
  const alice = town.as('alice');
  const open = await alice.send<Row>('POST', path, { constructor: 'hasOwnProperty', toString: 'geheim' });
  const shut = await alice.send<Row>('POST', path, { constructor: 'valueOf' });
  const bob = town.as('bob');
  const seen = await bob.send<Row>('GET', `${path}/${open.id}`);
  expect([seen['constructor'], Object.hasOwn(seen, 'toString')]).toEqual(['hasOwnProperty', false]);
  expect((await bob.ask('GET', `${path}/${shut.id}`)).status).toBe(404);
  await town.admin.send('DELETE', `/api/schemas/${schema.id}`);
});

test.each([
  ['an unknown operator', { read: [{ group: 'authenticated', match: { status: { $regex: '.*' } } }] }],
  ['an unknown variable', { read: [{ group: 'authenticated', match: { status: '$anybody' } }] }],
  ['a match of nothing', { read: [{ group: 'authenticated', match: {} }] }],
  ['a misspelt match', { read: [{ group: 'authenticated', matches: { status: 'nieuw' } }] }],
  ['a misspelt action', { raed: ['authenticated'] }],
  ['a rule that is a number', { read: [5] }],
  ['no list', { read: 'authenticated' }],
])(
  'a policy with %s is refused with its place, and the rules stay as they were',
  async (_, authorization) => {
    const path = `/api/policies/schema/${town.schemaId}`;
    const before = (await town.admin.ask('GET', path)).body;
    const refused = await town.admin.ask('PUT', path, { authorization });
    expect(refused).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
    const [fault] = (refused.body as { readonly errors: readonly { readonly field: string }[] }).errors;
    expect(fault?.field).toMatch(/^\/authorization/);
    expect((await town.admin.ask('GET', path)).body).toEqual(before);
  },
);

test('organisations form no circle, and a member of one below reads no sibling', async () => {
  const above = await town.admin.send<{ id: string }>('POST', '/api/organisations', {
    slug: `up-${randomUUID().slice(0, 8)}`,
    name: 'Up',
  });
  const { a, b } = town.organisations;
  await town.admin.send('PATCH', `/api/organisations/${a}`, { parent: above.id });
  await town.admin.send('PATCH', `/api/organisations/${b}`, { parent: above.id });
  for (const parent of [a, b, above.id]) {
    expect(
      (await town.admin.ask('PATCH', `/api/organisations/${above.id}`, { parent })).status,
    ).toBeGreaterThanOrEqual(400);
  }
  const row = await town.as('alice').send<Row>('POST', cases, { titel: 'x', status: 'nieuw' });
  expect((await town.as('carol').ask('GET', `${cases}/${row.id}`)).status).toBe(404);
  for (const id of [a, b]) await town.admin.send('PATCH', `/api/organisations/${id}`, { parent: null });
});

test('two credentials in one request, or one twice in different places, open nothing', async () => {
  const both = await createApi(platform.origin, town.tokens.bob).ask(
    'GET',
    `${cases}?token=${town.tokens.alice}`,
  );
  expect(both.status).toBe(400);
  for (const authorization of [
    'Bearer',
    'Bearer  ',
    `bearer${town.tokens.alice}`,
    `Token ${town.tokens.alice}`,
    'Bearer null',
  ]) {
    expect(
      (await createApi(platform.origin).ask('GET', cases, undefined, { authorization })).status,
    ).toBeGreaterThanOrEqual(400);
  }
  const long = await createApi(platform.origin, 'x'.repeat(9000)).ask('GET', '/api/auth/me');
  expect(long.status).toBe(401);
  expect(long.headers.get('www-authenticate')).toContain('Bearer');
});
