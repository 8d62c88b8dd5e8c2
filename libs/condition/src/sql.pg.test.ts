import { startPostgres } from '@tidewire/test-kit';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  and,
  compare,
  empty,
  exists,
  matchText,
  NOW,
  oneOf,
  or,
  type Condition,
  type OperandType,
  type Scalar,
} from './condition.ts';
import { evaluate, type Row } from './evaluate.ts';
import type { SqlField } from './sql-field.ts';
import { compileSql, guardField, objectFields } from './sql.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');

/** JSON texts, not values: some numbers here cannot be written by JSON.stringify. */
const JSON_VALUES = String.raw`
  null | true | false | 0 | -0 | 1 | -1 | 3 | 3.0 | 0.1 | 0.10000000000000000555 | 0.3 | 1e22 | 1e308 | 1e400 | -1e400
  9007199254740991 | 9007199254740992 | 9007199254740993 | -9007199254740993 | 1.7976931348623157e308
  1.00000000000000011102230246251565404236316680908203125 | 1.0000000000000001110223024625156540423631668091 | 0.99999999999999999999
  1.797693134862315807e308 | 1e-400 | 5e-324 | 2.4703282292062327e-324 | 1.7976931348623159e308
  "" | "a" | "A" | "ab" | "b" | "3" | "true" | "null" | "a%" | "\\" | "a\nb" | " a"
  "～" | "😀" | "é" | "e\u0301" | "\udbff\udfff" | "\uffff" | "\ue000"
  "2026-03-01T12:00:00Z" | "2026-03-01T12:00:00.0009Z" | "2026-03-01T12:00:00.999999999Z" | "2026-03-01T13:00:00+01:00"
  "2026-02-31T00:00:00Z" | "2026-03-03T00:00:00.000Z" | "2026-03-01 12:00:00z" | "2026-03-01T12:00:00" | "2026-03-01"
  "0001-01-01T00:00:00+15:59" | "9999-12-31T23:59:59.999-15:59" | "0000-01-01T00:00:00Z" | "0050-06-01T00:00:00Z"
  "2026-03-01T24:00:00Z" | "2016-12-31T23:59:60Z" | "1969-12-31T23:59:59.9995Z"
  [] | ["a"] | ["a","b"] | [1,"1",true] | [3] | [9007199254740993] | [[]] | [["a"]] | [null] | [1e400]
  {} | {"a":1} | {"":""}
`
  .trim()
  .split(/\s*[|\n]\s*/);
const FIELDS = [
  's',
  'n',
  't',
  '__proto__',
  'constructor',
  'it\'s \\ "odd"',
  '_uuid',
  '_owner',
  '_version',
  '_updated',
];

const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'b',
  '3',
  'true',
  '～',
  '😀',
  'é',
  'e\u0301',
  '%',
  '\\',
  "'; DROP TABLE rows; --",
  '\n',
];
const UUIDS = ['5b0d1e1c-0000-4000-8000-000000000001', '5b0d1e1c-0000-4000-8000-00000000000a'];
const TIMES = ['2026-03-01T12:00:00.000Z', '2026-03-03T00:00:00.000Z', '2025-12-31T23:59:59.999Z'];
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  3,
  0.1,
  0.3,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  1e308,
  5e-324,
  Number.MAX_VALUE,
  1e22,
];
const INSTANTS = [
  NOW_MS,
  NOW_MS + 999,
  Date.parse('2026-03-03T00:00:00Z'),
  0,
  -1,
  -62_198_755_200_000,
  253_402_300_799_999,
];

const fieldName = fc.constantFrom(...FIELDS);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom<Scalar>(...TEXTS, ...UUIDS, ...TIMES, ...NUMBERS, true, false),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.double({ noNaN: true }),
  fc.integer({ min: -4, max: 4 }),
);
const moment = fc.oneof(fc.constantFrom(...INSTANTS), fc.integer({ min: NOW_MS - 2, max: NOW_MS + 1001 }));
const ordering = fc.constantFrom('eq', 'ne', 'gt', 'gte', 'lt', 'lte');
const listing = fc.constantFrom('in', 'nin');
const instant: OperandType = 'instant';
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.tuple(ordering, fieldName, fc.option(scalar)).map(([op, field, value]) => compare(op, field, value)),
  fc.tuple(ordering, fieldName, moment).map(([op, field, value]) => compare(op, field, value, instant)),
  fc.tuple(ordering, fieldName).map(([op, field]) => compare(op, field, NOW, instant)),
  fc
    .tuple(listing, fieldName, fc.array(fc.option(scalar), { maxLength: 4 }))
    .map(([op, field, v]) => oneOf(op, field, v)),
  fc
    .tuple(listing, fieldName, fc.array(fc.constantFrom(...TEXTS, ...UUIDS)))
    .map(([op, field, v]) => oneOf(op, field, v)),
  fc
    .tuple(listing, fieldName, fc.array(fc.constantFrom(...NUMBERS), { maxLength: 12 }))
    .map(([op, field, v]) => oneOf(op, field, v)),
  fc
    .tuple(listing, fieldName, fc.array(moment))
    .map(([op, field, values]) => oneOf(op, field, values, instant)),
  fc.tuple(fieldName, fc.boolean()).map(([field, value]) => exists(field, value)),
  fc.tuple(fieldName, fc.boolean()).map(([field, value]) => empty(field, value)),
  fc
    .tuple(fc.constantFrom('contains', 'startsWith', 'endsWith'), fieldName, scalar)
    .map(([op, field, value]) => matchText(op, field, value)),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('condition'), { maxLength: 3 }).map((terms) => and(...terms)),
    fc.array(tie('condition'), { maxLength: 3 }).map((terms) => or(...terms)),
  ),
}));

interface StoredRow {
  readonly uuid: string;
  readonly owner: string | null;
  readonly version: number;
  readonly updated: string;
  readonly properties: string;
}

const storedRow: fc.Arbitrary<StoredRow> = fc.record({
  uuid: fc.constantFrom(...UUIDS),
  owner: fc.option(fc.constantFrom(...TEXTS)),
  version: fc.integer({ min: 1, max: 4 }),
  updated: fc.constantFrom(...TIMES),
  properties: fc
    .dictionary(
      fc.constantFrom(...FIELDS.filter((field) => !field.startsWith('_') || field === '__proto__')),
      fc.constantFrom(...JSON_VALUES),
    )
    .map(
      (members) =>
        `{${Object.entries(members)
          .map(([name, text]) => `${JSON.stringify(name)}:${text}`)
          .join()}}`,
    ),
});

const COLUMNS = new Map<string, SqlField>([
  ['_uuid', { sql: 'rows.uuid', kind: 'uuid' }],
  ['_owner', { sql: 'rows.owner', kind: 'text' }],
  ['_version', { sql: 'rows.version', kind: 'integer' }],
  ['_updated', { sql: 'rows.updated', kind: 'timestamptz' }],
]);
const field = objectFields('rows.properties', COLUMNS);

/** Every edge value once as `s`, `n`, `t`, so that no run misses one, and many mixtures. */
function makeRows(): StoredRow[] {
  const edges = JSON_VALUES.map((text, index) => ({
    uuid: UUIDS[index % 2] ?? '',
    owner: index % 3 === 0 ? null : (TEXTS[index % TEXTS.length] ?? null),
    version: (index % 4) + 1,
    updated: TIMES[index % 3] ?? '',
    properties: `{"s":${text},"n":${text},"t":${text},"__proto__":${text}}`,
  }));
  return [...edges, ...fc.sample(storedRow, { numRuns: 250, seed: 7 })];
}

/** As the log's message would be read: own members, whatever they are called. */
function asRow({ uuid, owner, version, updated, properties }: StoredRow): Row {
  const system = { _uuid: uuid, _owner: owner, _version: version, _updated: updated };
  const members = Object.entries(JSON.parse(properties) as Row);
  return Object.fromEntries([...members, ...Object.entries(system)]);
}

function withoutText(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 's'));
}

async function withRows(use: (client: Client, rows: readonly Row[]) => Promise<void>): Promise<void> {
  await using database = await startPostgres();
  const client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    // Neither the session's time zone nor its way to write dates may change what a condition means.
    await client.query(`SET TimeZone = 'America/St_Johns'; SET DateStyle = 'German'`);
    await client.query(`CREATE SCHEMA IF NOT EXISTS conditions; SET search_path = conditions;
      CREATE TABLE rows (id int, uuid uuid, owner text COLLATE "en-x-icu", version int, updated timestamptz, properties jsonb)`);
    const stored = makeRows();
    for (const [id, row] of stored.entries()) {
      const values = [id, row.uuid, row.owner, row.version, row.updated, row.properties];
      await client.query('INSERT INTO rows VALUES ($1, $2, $3, $4, $5, $6)', values);
    }
    await use(client, stored.map(asRow));
  } finally {
    await client.end();
  }
}

async function selectIds(client: Client, sql: string, parameters: unknown[]): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT id FROM rows WHERE ${sql} ORDER BY id`,
    parameters,
  );
  return rows.map((row) => row.id);
}

test('memory and SQL select the same rows, whatever the condition and the rows', { timeout: 120_000 }, () =>
  withRows(async (client, rows) => {
    await fc.assert(
      fc.asyncProperty(condition, async (wanted) => {
        const parameters: unknown[] = [];
        const sql = compileSql(wanted, { field, parameters, now: NOW_MS });
        const expected = rows.flatMap((row, id) => (evaluate(wanted, row, { now: NOW_MS }) ? [id] : []));
        expect(await selectIds(client, sql, parameters)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  }),
);

test('without a time, conditions on the time select no row in memory and in SQL', () =>
  withRows(async (client, rows) => {
    const wanted = or(compare('lte', 't', NOW, instant), compare('ne', 't', NOW, instant));
    const parameters: unknown[] = [];
    expect(await selectIds(client, compileSql(wanted, { field, parameters }), parameters)).toEqual([]);
    expect(rows.some((row) => evaluate(wanted, row))).toBe(false);
  }));

test('a guarded field is absent on the rows outside its guard', () =>
  withRows(async (client, rows) => {
    const guard = compare('gte', '_version', 3);
    await fc.assert(
      fc.asyncProperty(condition, async (wanted) => {
        const parameters: unknown[] = [];
        const guarded = (name: string): SqlField =>
          name === 's' ? guardField(field(name), compileSql(guard, { field, parameters })) : field(name);
        const sql = compileSql(wanted, { field: guarded, parameters, now: NOW_MS });
        const seen = rows.map((row) => (evaluate(guard, row) ? row : withoutText(row)));
        const expected = seen.flatMap((row, id) => (evaluate(wanted, row, { now: NOW_MS }) ? [id] : []));
        expect(await selectIds(client, sql, parameters)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  }));
