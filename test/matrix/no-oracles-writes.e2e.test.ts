import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@tidewire/test-kit';
import { afterAll, beforeAll, test } from 'vitest';
import { TwinWorlds, withoutNewNames } from './twin-worlds.ts';
import type { Probe } from './twin-worlds.ts';
import {
  AT,
  FOREIGN,
  HIDDEN,
  ONE,
  ROWS,
  TWO,
  VALUES,
  buried,
  emptied,
  learnsNothing,
  rowsOnly,
  shut,
} from './worlds.ts';

let twins: TwinWorlds;

beforeAll(async () => {
  twins = await TwinWorlds.build(await sharedPlatform());
});

afterAll(async () => {
  await twins.platform[Symbol.asyncDispose]();
});

/** Reads and writes of one row by its id: with conditions that hold and that do not, with bodies good and bad. */
function writesOf(uuid: string): readonly Probe[] {
  const [one, same] = [`${twins.objects}/${uuid}`, `${twins.records}/${uuid}`];
  const write = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Probe => ({
    method,
    path,
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  });
  return [
    write('GET', one),
    write('GET', same),
    ...['PATCH', 'PUT'].flatMap((method) => [
      write(method, one, { title: 'x' }),
      write(method, one, { title: 'x', _version: 1 }),
      write(method, one, { title: 'x', _version: 7 }),
      write(method, one, { title: 'x' }, { 'if-match': '"7-abc"' }),
      write(method, one, { title: 5 }),
      write(method, one, { pay: 100 }),
      write(method, one, { nothing: 1 }),
    ]),
    write('DELETE', one),
    write('DELETE', `${one}?_version=1`),
    write('DELETE', `${one}?_version=7`),
    write('DELETE', `${one}?permanent=true`),
    write('PATCH', same, { fields: { title: 'x' } }),
    write('PATCH', same, { fields: { title: 'x' }, updatedAt: AT }),
    write('PATCH', same, { fields: { title: 'x' }, updatedAt: '2020-01-01T00:00:00.000Z' }),
    write('PATCH', same, { fields: { title: 5 } }),
    write('DELETE', same),
    write('DELETE', same, undefined, { 'if-match': '"7-abc"' }),
    write('POST', `${same}/restore`),
  ];
}

test('no write, condition or body tells whether a hidden row exists: 404, never 409 or 412', async () => {
  for (const uuid of [HIDDEN, FOREIGN]) {
    await learnsNothing(twins, ROWS, writesOf(uuid), { knower: 'none', clean: withoutNewNames });
  }
  await learnsNothing(twins, ROWS, writesOf(HIDDEN), { asker: 'nobody', knower: 'none' });
  await learnsNothing(twins, [ROWS[0], ROWS[1].filter(({ uuid }) => uuid !== FOREIGN)], writesOf(HIDDEN), {
    asker: 'outsider',
    knower: 'none',
  });
});

test('a batch does not tell which of its rows are hidden and which are absent', async () => {
  const post = (method: string, path: string, body: unknown): Probe => ({
    method,
    path: `${twins.records}${path}`,
    body,
  });
  const patch = (uuid: string, more: object = {}): object => ({ id: uuid, fields: { title: 'x' }, ...more });
  await learnsNothing(
    twins,
    ROWS,
    [HIDDEN, FOREIGN].flatMap((uuid) => [
      post('PATCH', '/batch', { records: [patch(uuid)] }),
      post('PATCH', '/batch', { records: [patch(ONE), patch(uuid)] }),
      post('PATCH', '/batch', { records: [patch(uuid, { updatedAt: AT }), patch(ONE)] }),
      post('PATCH', '/batch', {
        records: [patch(ONE, { updatedAt: '2020-01-01T00:00:00.000Z' }), patch(uuid)],
      }),
      post('PATCH', '/batch', { records: [patch(uuid), { id: ONE, fields: { title: 5 } }] }),
      post('POST', '/batch/delete', { ids: [uuid] }),
      post('DELETE', '/batch', { ids: [ONE, uuid], permanent: true }),
      post('POST', '/batch/restore', { ids: [uuid] }),
    ]),
    { knower: 'none', clean: withoutNewNames },
  );
});

test('restoring does not tell whether there is a deleted row that was hidden', async () => {
  const restore = (uuid: string): Probe[] => [
    { method: 'POST', path: `${twins.records}/${uuid}/restore` },
    { method: 'POST', path: `${twins.records}/batch/restore`, body: { ids: [uuid] } },
  ];
  for (const worlds of [
    [rowsOnly, buried],
    [rowsOnly, emptied],
    [ROWS[1], buried],
  ] as const) {
    await learnsNothing(twins, worlds, [...restore(HIDDEN), ...restore(FOREIGN)], { knower: 'none' });
  }
  await learnsNothing(twins, [rowsOnly, buried], restore(HIDDEN), {
    asker: 'chief',
    knower: 'none',
    clean: () => '',
  });
});

test('an upsert does not tell that a hidden row has the key, nor that several have it', async () => {
  const twice = [...ROWS[1], { uuid: randomUUID(), properties: shut }];
  const upsert = (fields: object, key: readonly string[], more: object = {}): Probe => ({
    method: 'POST',
    path: `${twins.records}/upsert`,
    body: { records: [{ fields: { state: 'open', ...fields }, ...more }], fieldsToMergeOn: key },
  });
  const probes = [
    upsert({ title: 'row 2' }, ['title']),
    upsert({ rank: 2 }, ['rank']),
    upsert({ rank: 9, title: 'row 2' }, ['rank', 'title']),
    upsert({ title: 'row 2' }, ['title'], { updatedAt: AT }),
    upsert({ pay: 100 }, ['pay']),
  ];
  await learnsNothing(twins, ROWS, probes, { knower: 'none', clean: withoutNewNames });
  await learnsNothing(twins, [rowsOnly, twice], probes, { knower: 'none', clean: withoutNewNames });
  const byMemo = [
    upsert({ memo: 'alpha', shared: true }, ['memo']),
    upsert({ memo: 'middle', shared: true }, ['memo']),
    upsert({ rank: 2, memo: 'alpha', shared: true }, ['memo', 'rank']),
  ];
  await learnsNothing(twins, VALUES, byMemo, { knower: 'none', clean: withoutNewNames });
});

test('an id that is sent with a new row tells nothing: the system gives another one', async () => {
  const body = { title: 'mine', state: 'open', id: HIDDEN, _uuid: HIDDEN, _version: 1 };
  await learnsNothing(twins, ROWS, [{ method: 'POST', path: twins.objects, body }], {
    knower: 'none',
    clean: withoutNewNames,
  });
});

test('a hidden value cannot be found by guessing it in a write', async () => {
  const path = `${twins.objects}/${TWO}`;
  const row = `${twins.records}/${TWO}`;
  const guesses = [
    { pay: 100 },
    { pay: 300 },
    { memo: 'alpha' },
    { memo: null },
    { tag: 'a' },
    { tag: null },
    { pay: null },
  ];
  const upsert = (fields: object): Probe => ({
    method: 'POST',
    path: `${twins.records}/upsert`,
    body: { records: [{ fields: { rank: 2, ...fields } }], fieldsToMergeOn: ['rank'] },
  });
  const probes = guesses.flatMap((guess): Probe[] => [
    { method: 'PATCH', path, body: guess },
    { method: 'PUT', path, body: { title: 'row 2', state: 'open', rank: 2, shared: false, ...guess } },
    { method: 'PATCH', path: row, body: { fields: guess } },
    { method: 'PATCH', path: `${twins.records}/batch`, body: { records: [{ id: TWO, fields: guess }] } },
    upsert(guess),
  ]);
  await learnsNothing(twins, VALUES, probes, { knower: 'none', clean: withoutNewNames });
});

test('a change of what may be seen does not tell what may not', async () => {
  const path = `${twins.objects}/${TWO}`;
  const probes: Probe[] = [
    { method: 'PATCH', path, body: { title: 'new' } },
    { method: 'PATCH', path, body: { shared: false, rank: 5 } },
    { method: 'PUT', path, body: { title: 'new', state: 'open' } },
    { method: 'PATCH', path, body: { title: 5, rank: 'x' } },
    { method: 'DELETE', path },
  ];
  await learnsNothing(twins, VALUES, probes, { knower: 'none', clean: withoutNewNames });
});
