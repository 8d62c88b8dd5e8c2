import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { TwinWorlds } from './twin-worlds.ts';
import type { Asker, Probe } from './twin-worlds.ts';
import { get } from './worlds.ts';

let twins: TwinWorlds;
let admin: Api;

beforeAll(async () => {
  const platform = await sharedPlatform();
  admin = createApi(platform.origin, platform.adminToken);
  twins = await TwinWorlds.build(platform);
});

afterAll(async () => {
  await twins.platform[Symbol.asyncDispose]();
});

/** Two names that look alike: of one thing that there is, and of none. */
interface Names {
  readonly hidden: string;
  readonly absent: string;
}

const slugs = (prefix: string): Names => ({
  hidden: `${prefix}-${randomUUID().slice(0, 8)}`,
  absent: `${prefix}-${randomUUID().slice(0, 8)}`,
});
const CLOSED = { read: ['directie'], create: ['directie'], update: ['directie'], delete: ['directie'] };

/** Whoever may not know of a thing is answered as if there were none, but for the name that it sent. */
async function knowsNothing(
  { hidden, absent }: Names,
  probesOf: (name: string) => readonly Probe[],
  askers: readonly Asker[] = ['reader', 'outsider', 'nobody'],
): Promise<void> {
  for (const asker of askers) {
    const [of, none] = [probesOf(hidden), probesOf(absent)];
    for (const [index, probe] of of.entries()) {
      const there = (await twins.ask(asker, probe)).replaceAll(hidden, '{name}');
      const notThere = await twins.ask(asker, none[index] ?? probe);
      expect(there).toBe(notThere.replaceAll(absent, '{name}'));
      // An answer of another kind would be none to this question.
      expect(there).not.toMatch(/\n(?:2|5)\d\d\n/);
    }
  }
}

const send = (method: string, path: string, body?: unknown): Probe => ({
  method,
  path,
  ...(body === undefined ? {} : { body }),
});

test('a register that may not be read is like none: by slug, as a topic, in any request', async () => {
  const names = slugs('hid');
  await admin.send('POST', '/api/registers', { slug: names.hidden, authorization: CLOSED });
  await admin.send('POST', '/api/schemas', { register: names.hidden, slug: 'secrets' });
  await knowsNothing(names, (register) => [
    ...everyRequestOf(`/api/objects/${register}/secrets`),
    get(`/api/realtime/subscribe?topic=register/${register}`),
    get(`/api/realtime/subscribe?topic=register/${register}/schema/secrets`),
    get(`/api/realtime/subscribe?topic=register/${twins.register}&topic=register/${register}`),
    get(`/api/realtime/poll?topic=register/${register}&timeoutMs=0`),
    get(`/api/realtime/poll?topic=register/${register}&timeoutMs=0&filter[bsn]=1`),
    get(`/api/registers/${register}`),
    send('PATCH', `/api/registers/${register}`, { title: 'x' }),
    send('DELETE', `/api/registers/${register}`),
    send('POST', '/api/registers', { slug: register }),
    send('POST', '/api/schemas', { register, slug: 'secrets' }),
  ]);
});

/** A list, a row, and every write of one. */
function everyRequestOf(collection: string): readonly Probe[] {
  const uuid = '44444444-0000-4000-8000-000000000000';
  return [
    get(collection),
    get(`${collection}?_limit=5000`),
    get(`${collection}?bsn=1&_order[bsn]=asc`),
    get(`${collection}?_updatedSince=nonsense`),
    get(`${collection}/${uuid}`),
    send('POST', collection, { bsn: 1 }),
    ...['PUT', 'PATCH'].map((method) => send(method, `${collection}/${uuid}`, { bsn: 1, _version: 3 })),
    send('DELETE', `${collection}/${uuid}`),
  ];
}

test('a schema that may not be read is like none: as a slug, a table, a topic or an id', async () => {
  const names = slugs('sch');
  const tables = slugs('tab');
  const made = await admin.send<{ id: string }>('POST', '/api/schemas', {
    register: twins.register,
    slug: names.hidden,
    table: tables.hidden,
    authorization: CLOSED,
    properties: { bsn: { type: 'integer' } },
  });
  await knowsNothing(names, (schema) => [
    ...everyRequestOf(`/api/objects/${twins.register}/${schema}`),
    get(`/api/realtime/subscribe?topic=register/${twins.register}/schema/${schema}`),
    get(`/api/realtime/poll?topic=register/${twins.register}/schema/${schema}&filter[bsn]=1&timeoutMs=0`),
    send('POST', '/api/schemas', { register: twins.register, slug: schema }),
  ]);
  for (const table of [tables, { hidden: made.id, absent: randomUUID() }])
    await knowsNothing(table, tableRequests);
  await knowsNothing({ hidden: made.id, absent: randomUUID() }, (id) => [
    get(`/api/schemas/${id}`),
    send('PATCH', `/api/schemas/${id}`, { title: 'x' }),
    send('DELETE', `/api/schemas/${id}`),
    get(`/api/policies/schema/${id}`),
    send('PUT', `/api/policies/schema/${id}`, { authorization: {} }),
    send('PUT', `/api/policies/schema/${id}?dryRun=true`, { authorization: {} }),
    send('DELETE', `/api/policies/schema/${id}`),
  ]);
});

function tableRequests(table: string): readonly Probe[] {
  const records = `/api/tables/${table}/records`;
  const uuid = '44444444-0000-4000-8000-000000000000';
  const fields = { bsn: 1 };
  return [
    get(records),
    get(`${records}?filter=bsn:1&sort=bsn`),
    get(`${records}/${uuid}`),
    send('POST', records, { fields }),
    send('PATCH', `${records}/${uuid}`, { fields, updatedAt: '2026-01-01T00:00:00.000Z' }),
    send('DELETE', `${records}/${uuid}`),
    send('POST', `${records}/${uuid}/restore`),
    send('POST', `${records}/batch`, { records: [{ fields }] }),
    send('PATCH', `${records}/batch`, { records: [{ id: uuid, fields }] }),
    send('POST', `${records}/batch/delete`, { ids: [uuid] }),
    send('POST', `${records}/batch/restore`, { ids: [uuid] }),
    send('POST', `${records}/upsert`, { records: [{ fields }], fieldsToMergeOn: ['bsn'] }),
    get(`/api/realtime/poll?table=${table}&filter=bsn:1&timeoutMs=0`),
    get(`/api/realtime/poll?table=${table}&timeoutMs=0`),
  ];
}

test('an organisation that is not one’s own is like none', async () => {
  const { home, other } = twins.organisations;
  const requests = (id: string): readonly Probe[] => [
    get(`/api/realtime/subscribe?topic=organisation/${id}`),
    get(`/api/realtime/poll?topic=organisation/${id}&timeoutMs=0`),
    get(`/api/organisations/${id}`),
    send('PATCH', `/api/organisations/${id}`, { name: 'x' }),
    send('POST', `/api/organisations/${id}/set-active`),
    get(`/api/groups?organisation=${id}`),
    send('PUT', `/api/groups/${id}/chiefs/members/somebody`),
    send('DELETE', `/api/groups/${id}/chiefs/members/somebody`),
  ];
  await knowsNothing({ hidden: other, absent: randomUUID() }, requests, ['reader', 'nobody']);
  await knowsNothing({ hidden: home, absent: randomUUID() }, requests, ['outsider']);
});

test('whether a principal, a slug or an id is taken is told to administrators only', async () => {
  const names = slugs('who');
  await admin.send('POST', '/api/principals', { id: names.hidden, name: 'Somebody' });
  await admin.send('POST', '/api/organisations', { slug: names.hidden, name: 'Somewhere' });
  await knowsNothing(names, (name) => [
    get(`/api/principals/${name}`),
    send('PATCH', `/api/principals/${name}`, { name: 'x' }),
    send('DELETE', `/api/principals/${name}`),
    send('PUT', `/api/principals/${name}/password`, { password: 'a long enough password' }),
    send('POST', '/api/principals', { id: name, name: 'x' }),
    send('POST', '/api/organisations', { slug: name, name: 'x' }),
    send('POST', '/api/auth/tokens', { principal: name, name: 'x' }),
    get(`/api/auth/tokens?principal=${name}`),
    get(`/api/auth/sessions?principal=${name}`),
    get(`/api/connections?principal=${name}`),
    send('DELETE', `/api/connections?principal=${name}`),
    get(`/api/audit?principal=${name}`),
    get(`/api/explain?principal=${name}&topic=register/${twins.register}`),
    get(`/api/explain?principal=${name}&event=evt-mwrd70tk-000000000041`),
    send('PUT', `/api/groups/${twins.organisations.home}/chiefs/members/${name}`),
  ]);
});

test('a credential of somebody else is like none', async () => {
  const made = await admin.send<{ id: string }>('POST', '/api/auth/tokens', { name: 'of the administrator' });
  await knowsNothing({ hidden: made.id, absent: randomUUID() }, (id) => [
    send('DELETE', `/api/auth/tokens/${id}`),
    send('DELETE', `/api/auth/sessions/${id}`),
    send('DELETE', `/api/connections/${id}`),
    send('DELETE', `/api/connections?credential=${id}`),
    get(`/api/issuers/${id}`),
  ]);
});

test('lists of names do not grow by what may not be known', async () => {
  const lists = [
    '/api/registers',
    '/api/schemas',
    '/api/realtime/topics',
    '/api/organisations',
    '/api/principals',
  ];
  const more = [
    `/api/schemas?register=${twins.register}`,
    `/api/registers/${twins.register}`,
    '/api/auth/tokens',
    '/api/auth/me',
  ];
  const askers = ['reader', 'outsider', 'nobody'] as const;
  const listed = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const asker of askers) {
      for (const path of [...lists, ...more]) answers.push(await twins.ask(asker, get(path)));
    }
    return answers.map((answer) => answer.replaceAll(/"lastUsedAt":("[^"]*"|null)/g, '"lastUsedAt"'));
  };
  const before = await listed();
  const { hidden } = slugs('new');
  await admin.send('POST', '/api/registers', { slug: hidden, authorization: CLOSED });
  await admin.send('POST', '/api/schemas', { register: hidden, slug: 'secrets' });
  await admin.send('POST', '/api/schemas', { register: twins.register, slug: hidden, authorization: CLOSED });
  await admin.send('POST', '/api/organisations', { slug: hidden, name: hidden });
  await admin.send('POST', '/api/principals', { id: hidden, name: hidden });
  expect(await listed()).toEqual(before);
});
