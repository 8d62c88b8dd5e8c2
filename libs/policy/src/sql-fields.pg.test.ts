import {
  and,
  compare,
  compileSql,
  empty,
  exists,
  matchText,
  objectFields,
  or,
  type Condition,
  type SqlField,
} from '@tidewire/condition';
import type { Match, Rule } from '@tidewire/contract';
import { startPostgres } from '@tidewire/test-kit';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { CHILD, governedView, id, ORG_A, ORG_B, principal, row, SCHEMA } from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import { projectedFields } from './sql-fields.ts';
import { isVisibleAt, meetsFilter, projectRow, visibleFields, visibleRows } from './visibility.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const TIMES = ['2026-03-01T11:59:59.999Z', '2026-03-01T12:00:00Z', '2026-03-01T13:00:00.001+01:00'];
const properties = {
  status: { type: 'string' },
  level: { type: 'integer' },
  from: { type: 'string', format: 'date-time' },
} as const;

const rule: fc.Arbitrary<Rule> = fc.record({
  group: fc.constantFrom('public', 'authenticated', 'managers', 'admin'),
  match: fc.constantFrom<Match>(
    { status: 'a' },
    { status: { $ne: 'a' } },
    { level: { $gte: 2 } },
    { _owner: '$userId' },
    { _organisation: '$organisation' },
    { from: { $lte: '$now' } },
    { status: { $regex: 'a' } },
    { level: { $nin: [1, 2] }, status: { $exists: true } },
  ),
});
const rules = fc.option(
  fc.array(fc.oneof(rule, fc.constantFrom('managers', 'public', 'authenticated')), { maxLength: 3 }),
  {
    nil: undefined,
  },
);
const who = fc.constantFrom(
  null,
  principal('bob', ORG_A),
  principal('mia', ORG_A, ['managers']),
  principal('kid', CHILD, ['managers']),
  { ...principal('two', CHILD), groups: [{ organisation: ORG_A, group: 'managers' }] },
  { ...principal('root', ORG_B), admin: true },
);
const filter: fc.Arbitrary<Condition> = fc
  .array(
    fc.constantFrom(
      compare('eq', 'status', 'a'),
      compare('ne', 'status', 'a'),
      compare('lt', 'level', 2),
      exists('status', false),
      empty('level', true),
      matchText('contains', 'status', 'b'),
      compare('gt', 'from', NOW_MS, 'instant'),
      compare('eq', '_owner', 'bob'),
    ),
    { maxLength: 3 },
  )
  .chain((terms) => fc.constantFrom(and(...terms), or(...terms)));

/** Every combination of the values on which the rules above turn. */
function makeRows(): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  for (const status of ['a', 'b', null, undefined]) {
    for (const level of [1, 3, '2', undefined]) {
      for (const [index, home] of [ORG_A, ORG_B, CHILD, null].entries()) {
        const _owner = ['bob', 'kid', 'eve', null][(rows.length + index) % 4];
        const uuid = id(1000 + rows.length);
        const values = JSON.parse(JSON.stringify({ status, level, from: TIMES[rows.length % 4] })) as object;
        rows.push(row({ _uuid: uuid, _organisation: home, _owner, ...values }));
      }
    }
  }
  return rows;
}

const COLUMNS = new Map<string, SqlField>([
  ['_uuid', { sql: 'uuid', kind: 'uuid' }],
  ['_organisation', { sql: 'organisation', kind: 'uuid' }],
  ['_owner', { sql: 'owner', kind: 'text' }],
]);

async function storeRows(client: Client, rows: readonly Record<string, unknown>[]): Promise<void> {
  await client.query(`CREATE SCHEMA policies; SET search_path = policies;
    CREATE TABLE objects (uuid uuid, organisation uuid, owner text, properties jsonb)`);
  for (const stored of rows) {
    const { _uuid, _organisation, _owner, ...members } = stored;
    await client.query('INSERT INTO objects VALUES ($1, $2, $3, $4)', [
      _uuid,
      _organisation,
      _owner,
      members,
    ]);
  }
}

test('a list in SQL holds exactly the rows that the stream would show, whatever the rules and the filter', async () => {
  await using database = await startPostgres();
  const client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  const rows = makeRows();
  await storeRows(client, rows);
  try {
    await fc.assert(
      fc.asyncProperty(rules, rules, who, filter, async (rowRules, fieldRules, asker, wanted) => {
        const authorization = rowRules === undefined ? null : { read: rowRules };
        const fields =
          fieldRules === undefined ? {} : { status: { read: fieldRules }, level: { read: fieldRules } };
        const view = governedView(properties, { authorization, properties: fields });
        const decision = decideAccess({ view, principal: asker, schema: SCHEMA, action: 'read' });
        if (!decision.allowed) return;
        const expected = rows.filter((image) => {
          const mask = visibleFields(decision, image, NOW_MS);
          return (
            isVisibleAt(decision, image, NOW_MS) &&
            meetsFilter(decision, wanted, image, { mask, nowMs: NOW_MS })
          );
        });
        const parameters: unknown[] = [];
        const options = { field: objectFields('properties', COLUMNS), parameters, now: NOW_MS };
        const allowed = compileSql(visibleRows(decision), options);
        const matching = compileSql(wanted, { ...options, field: projectedFields(decision, options) });
        const sql = `SELECT uuid FROM objects WHERE ${allowed} AND ${matching} ORDER BY uuid`;
        const found = await client.query<{ uuid: string }>(sql, parameters);
        expect(found.rows.map((stored) => stored.uuid)).toEqual(expected.map((image) => image['_uuid']));
        for (const image of expected) {
          const seen = projectRow(decision, image, NOW_MS);
          expect(
            meetsFilter(decision, wanted, seen, {
              mask: visibleFields(decision, image, NOW_MS),
              nowMs: NOW_MS,
            }),
          ).toBe(true);
        }
      }),
      { numRuns: 600 },
    );
  } finally {
    await client.end();
  }
});
