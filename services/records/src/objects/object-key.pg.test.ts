import { randomUUID } from 'node:crypto';
import type { Provenance } from '@tidewire/service-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import type { RecordsTestDatabase } from '../../test/database.ts';
import {
  ORGANISATION,
  OTHER_ORGANISATION,
  REGISTER,
  SCHEMA,
  grantOf,
  member,
  viewWith,
} from '../../test/rights.ts';
import type { TestRules } from '../../test/rights.ts';
import { findKeysStatement } from './object-key-postgres.ts';
import { createObjectRepository } from './object-repository-postgres.ts';
import type { ObjectKey, ObjectRepository, StatementContext } from './object-repository.ts';

let database: RecordsTestDatabase;
let repository: ObjectRepository;

const context: StatementContext = {
  place: { register: REGISTER, schema: SCHEMA, registerSlug: 'zaken', schemaSlug: 'dingen' },
  concerned: ['alice'],
  tenants: null,
  nowMs: Date.parse('2026-03-01T12:00:00Z'),
};
const provenance: Provenance = {
  actor: { id: 'alice', name: 'Alice', organisation: ORGANISATION },
  correlationId: null,
  traceparent: null,
};

beforeAll(async () => {
  database = await openTestDatabase();
  repository = createObjectRepository(database.records);
  await database.records.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [REGISTER]);
  await database.records.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'dingen', 'dingen')`,
    [SCHEMA, REGISTER],
  );
});
afterAll(() => database[Symbol.asyncDispose]());

async function insert(
  rows: readonly Record<string, unknown>[],
  organisation = ORGANISATION,
): Promise<string[]> {
  const objects = rows.map((properties) => ({
    uuid: randomUUID(),
    organisation,
    owner: 'bob',
    properties,
  }));
  await repository.transaction(provenance, (transaction) => transaction.insert(context, objects));
  return objects.map(({ uuid }) => uuid);
}

function keyOf(values: Record<string, unknown>, organisation = ORGANISATION): ObjectKey {
  return { organisation, values: Object.entries(values) };
}

function find(keys: readonly ObjectKey[], rules: TestRules = {}): Promise<readonly (readonly string[])[]> {
  const decision = grantOf(viewWith(rules), member('alice'), 'read');
  return repository.transaction(provenance, async (transaction) => {
    await transaction.lockKeys(context, keys);
    return (await transaction.findKeys(context, { decision, keys })).matches;
  });
}

test('a key is found by all of its values, as JSON, in its own organisation', async () => {
  const [a, b] = await insert([
    { status: 'k1', level: 1 },
    { status: 'k1', level: 2 },
  ]);
  await insert([{ status: 'k1', level: 3 }], OTHER_ORGANISATION);
  await insert([{ status: ['k1'], level: 4 }]);
  expect(await find([keyOf({ status: 'k1', level: 1 }), keyOf({ status: 'k1', level: 2 })])).toEqual([
    [a],
    [b],
  ]);
  for (const level of [3, 4, '1']) expect(await find([keyOf({ status: 'k1', level })])).toEqual([[]]);
  const [both] = await find([keyOf({ status: 'k1' })]);
  expect(new Set(both)).toEqual(new Set([a, b]));
});

test('rows and values that may not be read are not found', async () => {
  const [open] = await insert([
    { status: 'k2', open: true, level: 1 },
    { status: 'k2', open: false, level: 1 },
  ]);
  const onlyOpen = [{ group: 'authenticated', match: { open: true } }];
  expect(await find([keyOf({ status: 'k2' })], { authorization: { read: onlyOpen } })).toEqual([[open]]);
  expect(await find([keyOf({ status: 'k2' })], { properties: { status: { read: onlyOpen } } })).toEqual([
    [open],
  ]);
  expect(await find([keyOf({ status: 'k2' })], { authorization: { read: ['managers'] } })).toEqual([[]]);
});

test('whoever locks the same keys in another order waits, and does not wait for ever', async () => {
  const keys = [keyOf({ status: 'k3' }), keyOf({ status: 'k4' }), keyOf({ status: 'k5' })];
  const rounds = Array.from({ length: 20 }, (_, round) => (round % 2 === 0 ? keys : keys.toReversed()));
  let inside = 0;
  await Promise.all(
    rounds.map((order) =>
      repository.transaction(provenance, async (transaction) => {
        await transaction.lockKeys(context, order);
        inside += 1;
        expect(inside).toBe(1);
        await transaction.findKeys(context, {
          decision: grantOf(viewWith({}), member('alice'), 'read'),
          keys,
        });
        inside -= 1;
      }),
    ),
  );
});

test('a key is looked up in the index, however many objects there are', async () => {
  await insert(Array.from({ length: 1000 }, (_, index) => ({ status: `many ${index}` })));
  await database.owner.query('vacuum analyze records.objects');
  const keys = Array.from({ length: 10 }, (_, index) => keyOf({ status: `many ${index}` }));
  const decision = grantOf(viewWith({}), member('alice'), 'read');
  const { text, parameters } = findKeysStatement(context, { decision, keys });
  const { rows } = await database.records.query(`explain (format json) ${text}`, [...parameters]);
  const plan = JSON.stringify(rows);
  expect(plan).toContain('objects_by_property');
  expect(plan).not.toContain('Seq Scan');
  expect((await find(keys)).map((uuids) => uuids.length)).toEqual(keys.map(() => 1));
});
