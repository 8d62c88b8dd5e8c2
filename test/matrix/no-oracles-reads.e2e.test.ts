import { sharedPlatform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TwinWorlds } from './twin-worlds.ts';
import type { Probe } from './twin-worlds.ts';
import { HIDDEN, ROWS, TWO, VALUES, buried, emptied, get, learnsNothing, rowsOnly } from './worlds.ts';

let twins: TwinWorlds;

beforeAll(async () => {
  twins = await TwinWorlds.build(await sharedPlatform());
});

afterAll(async () => {
  await twins.platform[Symbol.asyncDispose]();
});

const json = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
const object = (query: string): Probe => get(`${twins.objects}?${query}`);
const record = (query: string): Probe => get(`${twins.records}?${query}`);

test('a filter does not tell the value of a property that may not be read', async () => {
  await learnsNothing(twins, VALUES, [
    ...[
      'pay=100',
      'pay[ne]=100',
      'pay[gt]=99',
      'pay[gte]=100',
      'pay[lt]=101',
      'pay[lte]=100',
      'pay[in]=100,1',
    ].map(object),
    ...[
      'pay[nin]=100,200',
      'tag[exists]=true',
      'tag[null]=true',
      'tag[~]=a',
      'tag[^]=a',
      'tag[$]=a',
      'filter[pay]=100',
    ].map(object),
    ...['filter=pay:100', 'filter=pay:gt:99', 'filter=tag:isNull', 'filter=tag:isEmpty'].map(record),
    record(
      `filter=${json({
        or: [
          { field: 'title', operator: 'eq', value: 'row 1' },
          { field: 'pay', operator: 'eq', value: 100 },
        ],
      })}`,
    ),
    record(`filter=${json({ field: 'pay', operator: 'in', value: [100] })}`),
  ]);
});

test('a filter does not tell the value of a property on the rows where it may not be read', async () => {
  await learnsNothing(twins, VALUES, [
    ...[
      'memo=alpha',
      'memo[ne]=alpha',
      'memo[gt]=b',
      'memo[lt]=b',
      'memo[in]=alpha,middle',
      'memo[nin]=alpha',
    ].map(object),
    ...[
      'memo[exists]=true',
      'memo[exists]=false',
      'memo[null]=true',
      'memo[empty]=true',
      'memo[~]=l',
      'memo[^]=al',
      'memo[$]=ha',
    ].map(object),
    ...['filter=memo:alpha', 'filter=memo:neq:alpha', 'filter=memo:contains:l', 'filter=memo:isNull'].map(
      record,
    ),
    ...['filter=memo:isNotNull', 'filter=memo:isEmpty', 'filter=memo:startsWith:al', 'filter=memo:lt:b'].map(
      record,
    ),
    record(
      `filter=${json({
        or: [
          { field: 'memo', operator: 'eq', value: 'alpha' },
          { field: 'rank', operator: 'eq', value: 1 },
        ],
      })}`,
    ),
  ]);
});

test('a sort does not tell the order of hidden values', async () => {
  await learnsNothing(twins, VALUES, [
    ...['_order[memo]=asc', '_order[memo]=desc', '_order[pay]=asc', '_order[tag]=asc&_order[rank]=asc'].map(
      object,
    ),
    ...['_order[memo]=asc&_limit=1', '_order[memo]=desc&_limit=1'].map(object),
    ...['sort=memo:asc', 'sort=memo:desc,rank:asc', 'sort=pay:asc', 'sort=tag&order=desc'].map(record),
  ]);
});

test('a search does not find hidden text', async () => {
  await learnsNothing(twins, VALUES, [
    ...['alpha', 'omega', 'zeta', 'long'].map((text) => object(`_search=${text}`)),
    record('q=alpha'),
  ]);
});

test('a list of fields tells nothing of what is hidden', async () => {
  await learnsNothing(twins, VALUES, [
    ...['_fields=pay', '_fields=memo', '_fields=title,tag', '_fields=memo,rank'].map(object),
    ...['fields=pay', 'fields=memo,title', 'fields=tag'].map(record),
    get(`${twins.objects}/${TWO}`),
    get(`${twins.records}/${TWO}`),
  ]);
});

test('counts, totals and pages do not count hidden rows', async () => {
  await learnsNothing(twins, ROWS, [
    ...[
      '',
      '_limit=1',
      '_limit=1&_page=2',
      '_limit=1&_page=3',
      '_offset=2',
      'rank=2',
      '_search=row',
      'memo=alpha',
    ].map(object),
    ...[
      '_order[rank]=desc&_limit=1',
      `filter[_uuid]=${HIDDEN}`,
      'filter[_version]=1',
      'filter[_owner][null]=true',
    ].map(object),
    ...[
      '',
      'limit=1',
      'limit=1&page=3',
      'filter=rank:2',
      'q=row',
      `filter=id:${HIDDEN}`,
      'sort=title:desc&limit=2',
    ].map(record),
  ]);
  await learnsNothing(twins, ROWS, [object(''), record('limit=1'), object('_limit=1')], {
    asker: 'nobody',
    knower: 'none',
  });
});

test('a validator of a list, and of a row, is the same whatever is hidden', async () => {
  await twins.become(VALUES[0]);
  const tagOf = async (path: string): Promise<string> =>
    /etag: (.*)/.exec(await twins.ask('reader', get(path)))?.[1] ?? '';
  for (const path of [twins.objects, twins.records, `${twins.objects}/${TWO}`, `${twins.records}/${TWO}`]) {
    const tag = await tagOf(path);
    const probe = get(path, { 'if-none-match': tag });
    await learnsNothing(twins, VALUES, [probe], { knower: 'none' });
    expect(await twins.ask('reader', probe)).toContain('\n304\n');
  }
  await learnsNothing(
    twins,
    ROWS,
    [
      get(twins.objects, { 'if-none-match': '*' }),
      get(`${twins.objects}/${HIDDEN}`, { 'if-none-match': '*' }),
    ],
    {
      knower: 'none',
    },
  );
});

test('a poll for changes does not tell of hidden rows, living or deleted, nor that nobody remembers them', async () => {
  await twins.become(rowsOnly);
  const first = await fetch(
    `${twins.platform.origin}${twins.objects}?_updatedSince=1970-01-01T00:00:00.000Z`,
    {
      headers: { authorization: `Bearer ${twins.token('reader')}` },
    },
  );
  const { _next: cursor } = (await first.json()) as { readonly _next: string };
  const probes = [cursor, '2020-01-01T00:00:00.000Z'].flatMap((since) => [
    object(`_updatedSince=${since}&_includeDeleted=true`),
    object(`_updatedSince=${since}`),
    object(`_updatedSince=${since}&_includeDeleted=true&_limit=1`),
    record(`updatedSince=${since}&includeDeleted=true`),
  ]);
  await learnsNothing(twins, ROWS, probes, { knower: 'none' });
  await learnsNothing(twins, [rowsOnly, buried], probes, { knower: 'none' });
  await learnsNothing(twins, [rowsOnly, emptied.filter(({ uuid }) => uuid !== HIDDEN)], probes, {
    knower: 'none',
  });
});
