import { randomUUID } from 'node:crypto';
import { ALWAYS, and, compare, empty, exists, matchText, or } from '@tidewire/condition';
import type { Condition } from '@tidewire/condition';
import type { ObjectImage, Rule } from '@tidewire/contract';
import { isVisibleAt, meetsFilter, visibleFields } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import { createPool } from '@tidewire/service-kit';
import type { Pool, Provenance } from '@tidewire/service-kit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, silent } from '../../test/database.ts';
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
import { createObjectRepository } from './object-repository-postgres.ts';
import type {
  ListQuery,
  ObjectRepository,
  StatementContext,
  WriteOutcome,
  WriteResult,
} from './object-repository.ts';

let database: RecordsTestDatabase;
let pool: Pool;
let repository: ObjectRepository;

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const context: StatementContext = {
  place: { register: REGISTER, schema: SCHEMA, registerSlug: 'zaken', schemaSlug: 'dingen' },
  concerned: ['alice', 'cred-1'],
  tenants: null,
  nowMs,
};
const provenance: Provenance = {
  actor: { id: 'alice', name: 'Alice', organisation: ORGANISATION },
  correlationId: 'c-1',
  traceparent: null,
};
const alice = member('alice');

beforeAll(async () => {
  database = await openTestDatabase();
  pool = createPool({ databaseUrl: database.urls.recordsUrl, service: 'test', logger: silent });
  repository = createObjectRepository(pool);
  await pool.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [REGISTER]);
  await pool.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'dingen', 'dingen')`,
    [SCHEMA, REGISTER],
  );
  await database.owner.query('delete from outbox.rows');
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function insert(
  properties: Record<string, unknown>,
  owner = 'alice',
  organisation = ORGANISATION,
): Promise<string> {
  const uuid = randomUUID();
  await repository.transaction(provenance, (transaction) =>
    transaction.insert(context, [{ uuid, organisation, owner, properties }]),
  );
  return uuid;
}

function update(
  uuid: string,
  decision: Granted,
  change: {
    mode?: 'merge' | 'replace';
    version?: number;
    reader?: Granted;
    properties: Record<string, unknown>;
  },
): Promise<Written> {
  const { mode = 'merge', version, reader, properties } = change;
  return single(
    repository.transaction(provenance, (transaction) =>
      transaction.update(context, { decision, mode, reader, changes: [{ uuid, version, properties }] }),
    ),
  );
}

type Written = WriteOutcome & Pick<WriteResult, 'barrier'>;

/** The result of a statement on one object. */
async function single(pending: Promise<WriteResult>): Promise<Written> {
  const { outcomes, barrier } = await pending;
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) throw new Error('one outcome is expected');
  return { ...outcome, barrier };
}

test('a write answers with the object before and after it, and with the position of its snapshot', async () => {
  const uuid = await insert({ status: 'a' });
  const decision = grantOf(viewWith({}), alice, 'update');
  const result = await update(uuid, decision, { properties: { status: 'b' } });
  expect(result).toMatchObject({
    written: true,
    before: { status: 'a', _version: 1 },
    after: { status: 'b', _version: 2 },
  });
  expect(result.barrier.position).toEqual({ epoch: '00000000', sequence: 0 });
  const [event] = await database.eventsOf(uuid);
  expect(event?.message).toMatchObject({ actor: provenance.actor, correlationId: 'c-1' });
});

test('a rule decides on the row in the statement: what it refuses stays as it is, and is shown as it was', async () => {
  const uuid = await insert({ status: 'dicht' }, 'bob');
  const view = viewWith({
    authorization: { update: [{ group: 'authenticated', match: { status: 'open' } }] },
  });
  const decision = grantOf(view, alice, 'update');
  const refused = await update(uuid, decision, { properties: { status: 'open' } });
  expect(refused).toMatchObject({ written: false, before: { status: 'dicht' }, after: null });
  expect((await repository.read(context, uuid)).image?._version).toBe(1);
});

test('a conditional write that waited for another one is judged on what that one left', async () => {
  const uuid = await insert({ status: 'open' }, 'bob');
  const view = viewWith({
    authorization: { update: [{ group: 'authenticated', match: { status: 'open' } }] },
  });
  const decision = grantOf(view, alice, 'update');
  const other = await database.owner.connect();
  try {
    await other.query('begin');
    await other.query(`update records.objects set properties = '{"status":"dicht"}' where uuid = $1`, [uuid]);
    const waiting = update(uuid, decision, { properties: { level: 1 } });
    await database.untilWaiting('tidewire_records');
    await other.query('commit');
    expect(await waiting).toMatchObject({ written: false, before: { status: 'dicht', _version: 2 } });
  } finally {
    other.release();
  }
});

test('another version than the expected one is not written', async () => {
  const uuid = await insert({ status: 'a' });
  const decision = grantOf(viewWith({}), alice, 'delete');
  const remove = (version: number): Promise<Written> =>
    single(
      repository.transaction(provenance, (transaction) =>
        transaction.remove(context, { decision, objects: [{ uuid, version }] }),
      ),
    );
  expect(await remove(2)).toMatchObject({ written: false, before: { _version: 1 } });
  expect(await remove(1)).toMatchObject({ written: true, before: { _version: 1 } });
  expect(await remove(1)).toMatchObject({ written: false, before: null });
});

test('what is replaced keeps what the writer may not read on that row, and properties no schema knows', async () => {
  const properties = {
    level: { read: [{ group: 'authenticated', match: { open: true } }] },
    tags: { read: ['chiefs'] },
  };
  const view = viewWith({ properties });
  const decision = grantOf(view, alice, 'update');
  const reader = grantOf(view, alice, 'read');
  const replaced = async (open: boolean): Promise<ObjectImage | null> => {
    const uuid = await insert({ status: 'a', level: 1, open, tags: ['x'], vreemd: 7 });
    return (await update(uuid, decision, { mode: 'replace', reader, properties: { status: 'b' } })).after;
  };
  expect(await replaced(true)).toMatchObject({ status: 'b', tags: ['x'], vreemd: 7 });
  expect(await replaced(true)).not.toHaveProperty('level');
  expect(await replaced(false)).toMatchObject({ status: 'b', level: 1, tags: ['x'] });
  expect(await replaced(false)).not.toHaveProperty('open');
});

test('says that rights are pending when they concern everybody or one of those asked about', async () => {
  const pendingWith = async (subject: string, key: string): Promise<boolean> => {
    await database.owner.query(`select outbox.enqueue($1, $2, '{"kind":"rights"}', null, null)`, [
      subject,
      key,
    ]);
    const { pending } = await repository.readBarrier(context.concerned);
    await database.owner.query('delete from outbox.rows where key = $1', [key]);
    return pending;
  };
  expect((await repository.readBarrier(context.concerned)).pending).toBe(false);
  expect(await pendingWith(`authz.policy.${SCHEMA}`, SCHEMA)).toBe(true);
  expect(await pendingWith(`catalogue.schema.${SCHEMA}`, SCHEMA)).toBe(true);
  expect(await pendingWith('authz.principal.alice', 'alice')).toBe(true);
  expect(await pendingWith('authz.credential.cred-1', 'cred-1')).toBe(true);
  expect(await pendingWith('authz.principal.bob', 'bob')).toBe(false);
  expect(await pendingWith('authz.credential.cred-2', 'cred-2')).toBe(false);
});

test('a page that is larger than its limit is not sent', async () => {
  const uuid = await insert({ status: 'x'.repeat(1000) });
  const decision = grantOf(viewWith({}), alice, 'list');
  const query = queryOf(decision, compare('eq', '_uuid', uuid));
  expect((await repository.list(context, { ...query, maxBytes: 1100 })).images).toHaveLength(1);
  expect((await repository.list(context, { ...query, maxBytes: 900 })).images).toBeUndefined();
});

test('a search where no property is text finds nothing', async () => {
  await insert({ status: 'a' });
  const query = queryOf(grantOf(viewWith({}), alice, 'list'), ALWAYS);
  const found = async (fields: string[]): Promise<number> =>
    (await repository.list(context, { ...query, search: { text: 'a', fields } })).total;
  expect(await found([])).toBe(0);
  expect(await found(['status'])).toBeGreaterThan(0);
});

function queryOf(decision: Granted, filter: Condition, order: ListQuery['order'] = []): ListQuery {
  return { decision, filter, search: undefined, order, limit: 1000, offset: 0, maxBytes: 1e8 };
}

const match = fc.constantFrom<Rule>(
  'authenticated',
  'managers',
  'public',
  { group: 'authenticated', match: { status: 'a' } },
  { group: 'authenticated', match: { status: { $ne: 'a' } } },
  { group: 'public', match: { level: { $gte: 2 } } },
  { group: 'managers', match: { open: true } },
  { group: 'authenticated', match: { moment: { $lte: '$now' } } },
  { group: 'authenticated', match: { _owner: '$userId' } },
  { group: 'authenticated', match: { level: { $nin: [1, 2] }, status: { $exists: true } } },
);
const rules = fc.option(fc.array(match, { maxLength: 2 }), { nil: undefined });
const leaf = fc.constantFrom<Condition>(
  compare('eq', 'status', 'a'),
  compare('eq', 'status', '～'),
  compare('gt', 'status', '～'),
  compare('ne', 'status', 'a'),
  compare('lt', 'level', 2),
  compare('eq', 'level', 0.1),
  compare('eq', 'open', true),
  exists('level', false),
  empty('status', true),
  matchText('contains', 'tags', 'x'),
  compare('gte', 'moment', nowMs, 'instant'),
  compare('eq', '_owner', 'bob'),
);
const filter = fc
  .array(leaf, { maxLength: 3 })
  .chain((terms) => fc.constantFrom<Condition>(and(...terms), terms.length === 0 ? ALWAYS : or(...terms)));

/** Combinations of the values on which rules and filters turn; strings and numbers where JavaScript and SQL could differ. */
async function insertRows(): Promise<void> {
  await database.owner.query('delete from records.objects');
  const moments = ['2026-03-01T11:59:59.999Z', '2026-03-01T13:00:00+01:00', undefined, 'never'];
  let count = 0;
  for (const status of ['a', '～', '😀', null, undefined]) {
    for (const level of [1, 2.5, 0.1, '2', undefined]) {
      count += 1;
      const properties = {
        status,
        level,
        open: count % 3 === 0,
        moment: moments[count % 4],
        tags: count % 2 ? ['x'] : 'x',
      };
      const owner = ['alice', 'bob'][count % 2] ?? 'bob';
      await insert(
        JSON.parse(JSON.stringify(properties)),
        owner,
        count % 5 === 0 ? OTHER_ORGANISATION : ORGANISATION,
      );
    }
  }
}

test('a list holds exactly the rows that the decision in memory would show, whatever the rules and the filter', async () => {
  await insertRows();
  const { rows } = await pool.query<{ image: ObjectImage }>(
    `select records.image(o, 'zaken', 'dingen') as image from records.objects o`,
  );
  const images = rows.map(({ image }) => image);
  expect(images).toHaveLength(25);
  let shown = 0;
  await fc.assert(
    fc.asyncProperty(rules, rules, filter, fc.boolean(), async (read, field, wanted, manager) => {
      const authorization = read === undefined ? {} : { authorization: { read } };
      const properties = field === undefined ? {} : { status: { read: field }, level: { read: field } };
      const view = viewWith({ ...authorization, properties });
      const decision = grantOf(view, member('alice', manager ? ['managers'] : []), 'read');
      const expected = images
        .filter((image) => isVisibleAt(decision, image, nowMs))
        .filter((image) =>
          meetsFilter(decision, wanted, image, { mask: visibleFields(decision, image, nowMs), nowMs }),
        )
        .map(({ _uuid }) => _uuid);
      const order = [
        { field: 'level', type: 'number', descending: true },
        { field: 'moment', type: 'instant', descending: false },
      ] as const;
      const result = await repository.list(context, queryOf(decision, wanted, order));
      expect(result.images?.map(({ _uuid }) => _uuid).toSorted()).toEqual(expected.toSorted());
      expect(result.total).toBe(expected.length);
      shown += expected.length;
    }),
    { numRuns: 150 },
  );
  expect(shown).toBeGreaterThan(100);
});
