import type { RightsState } from '@tidewire/contract';
import { MAX_ANCESTORS } from '@tidewire/policy';
import { startPostgres, waitFor } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearOutbox, readOutbox } from '../test/outbox.ts';
import { query } from '../test/owner.ts';

const A = '7f3b2a10-0000-4000-8000-00000000000a';
const B = '7f3b2a10-0000-4000-8000-00000000000b';
const SCHEMA = '7f3b2a10-0000-4000-8000-0000000000c5';

let database: TestDatabase;
beforeEach(async () => {
  database = await startPostgres({ services: ['relay', 'authz'] });
  await as(
    'authz',
    `INSERT INTO authz.organisations (id, slug, name) VALUES ('${A}', 'a', 'A'), ('${B}', 'b', 'B')`,
  );
  await as('authz', `INSERT INTO authz.principals (id, name) VALUES ('alice', 'Alice'), ('bob', 'Bob')`);
  await as('authz', `INSERT INTO authz.organisation_members VALUES ('alice', '${A}'), ('alice', '${B}')`);
  await clearOutbox(database.ownerUrl);
});
afterEach(() => database[Symbol.asyncDispose]());

const urls = { authz: 'authzUrl', owner: 'ownerUrl', admin: 'adminUrl' } as const;
const as = (role: keyof typeof urls, sql: string): Promise<Record<string, unknown>[]> =>
  query(database[urls[role]], sql);
const statesTold = async (): Promise<RightsState[]> =>
  (await readOutbox(database.ownerUrl)).map((message) => message.state);

test('tells the log the whole principal after every change of memberships, versions rising by statement', async () => {
  await as('authz', `INSERT INTO authz.group_members VALUES ('alice', '${A}', 'x'), ('alice', '${A}', 'y')`);
  await as('authz', `UPDATE authz.principals SET active_organisation = '${A}' WHERE id = 'alice'`);
  await as(
    'authz',
    `DELETE FROM authz.organisation_members WHERE principal = 'alice' AND organisation = '${A}'`,
  );
  const whole = { kind: 'principal', id: 'alice', name: 'Alice', admin: false, removed: false };
  const told = await statesTold();
  expect(told.slice(0, 2)).toEqual([
    {
      ...whole,
      organisations: [A, B],
      activeOrganisation: null,
      groups: [
        { organisation: A, group: 'x' },
        { organisation: A, group: 'y' },
      ],
      version: 3,
    },
    {
      ...whole,
      organisations: [A, B],
      activeOrganisation: A,
      groups: [
        { organisation: A, group: 'x' },
        { organisation: A, group: 'y' },
      ],
      version: 4,
    },
  ]);
  // Leaving an organisation takes its groups along, and the choice of it.
  expect(told.at(-1)).toMatchObject({ ...whole, organisations: [B], activeOrganisation: null, groups: [] });
  const versions = told.map((state) => state.version);
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
});

test('tells a principal once per transaction, as it is at the end', async () => {
  await as(
    'authz',
    `BEGIN;
     INSERT INTO authz.principals (id, name) VALUES ('carol', 'Carol');
     INSERT INTO authz.organisation_members VALUES ('carol', '${A}');
     INSERT INTO authz.group_members VALUES ('carol', '${A}', 'x');
     DELETE FROM authz.organisation_members WHERE principal = 'alice' AND organisation = '${B}';
     INSERT INTO authz.group_members VALUES ('alice', '${A}', 'y');
     UPDATE authz.principals SET active_organisation = '${A}' WHERE id IN ('alice', 'carol');
     COMMIT`,
  );
  const told = await statesTold();
  expect(told).toHaveLength(2);
  const [alice, carol] = told.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const groupOf = (group: string) => ({ groups: [{ organisation: A, group }], activeOrganisation: A });
  expect(alice).toMatchObject({ id: 'alice', organisations: [A], ...groupOf('y') });
  expect(carol).toMatchObject({ id: 'carol', organisations: [A], ...groupOf('x') });
});

test('makes no event of a change that changes nothing, and none of one that is rolled back', async () => {
  await as('authz', `UPDATE authz.principals SET name = name, admin = admin`);
  await as('authz', `INSERT INTO authz.organisation_members VALUES ('alice', '${A}') ON CONFLICT DO NOTHING`);
  await as('authz', `BEGIN; UPDATE authz.principals SET name = 'Other'; ROLLBACK`);
  await as(
    'authz',
    `BEGIN; INSERT INTO authz.policies (id, target) VALUES ('${SCHEMA}', 'schema'); ROLLBACK`,
  );
  expect(await statesTold()).toEqual([]);
});

test('tells of plain SQL as of the API, with the role as the actor, and a delete leaves a tombstone', async () => {
  await as(
    'owner',
    `INSERT INTO authz.policies (id, target, authorization_rules) VALUES ('${SCHEMA}', 'schema', '{"read": ["x"]}')`,
  );
  await as('owner', `DELETE FROM authz.policies`);
  await as('owner', `DELETE FROM authz.organisations WHERE id = '${B}'`);
  const told = await readOutbox(database.ownerUrl);
  expect(told.map((message) => message.state)).toMatchObject([
    { kind: 'policy', version: 1, removed: false },
    { kind: 'policy', version: 2, removed: true, authorization: { read: ['x'] } },
    { kind: 'organisation', id: B, removed: true },
    { kind: 'principal', id: 'alice', organisations: [A] },
  ]);
  expect(new Set(told.map((message) => message.actor?.id))).toEqual(new Set(['sql:tidewire_owner']));
  expect(await as('owner', 'SELECT id FROM authz.policies')).toHaveLength(1);
});

test('ends the credentials of a principal together with it', async () => {
  await as(
    'authz',
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash) VALUES ('token', 'alice', 'x', '', sha256('s'))`,
  );
  await clearOutbox(database.ownerUrl);
  await as('authz', `UPDATE authz.principals SET removed = true, admin = true WHERE id = 'alice'`);
  const told = await statesTold();
  expect(told.findLast((state) => state.kind === 'credential')).toMatchObject({
    endedAt: expect.any(String),
    version: 2,
  });
  // One who is gone is nobody's administrator, whatever the column says.
  expect(told.findLast((state) => state.kind === 'principal')).toMatchObject({
    removed: true,
    admin: false,
    organisations: [],
  });
});

test('fires for a session that applies a copy, and refuses TRUNCATE of every table', async () => {
  await as(
    'admin',
    `SET session_replication_role = replica; UPDATE authz.principals SET name = 'Copy' WHERE id = 'bob'`,
  );
  expect(await statesTold()).toMatchObject([{ id: 'bob', name: 'Copy', version: 2 }]);
  for (const table of [
    'organisations',
    'principals',
    'organisation_members',
    'group_members',
    'credentials',
    'policies',
  ]) {
    await expect(as('owner', `TRUNCATE authz.${table} CASCADE`)).rejects.toThrow(
      /would leave the log without an event/,
    );
  }
});

test.each([
  'DELETE FROM outbox.rows',
  'SELECT * FROM outbox.rows',
  `SELECT outbox.enqueue('authz.principal.alice', 'alice', '{}', null, null)`,
  `UPDATE outbox.relay_state SET sequence = 0`,
  `UPDATE authz.principals SET version = 99`,
  `UPDATE authz.credentials SET ended_at = null, hash = sha256('s')`,
  `UPDATE authz.organisations SET slug = 'other'`,
  'DELETE FROM authz.principals',
  'DELETE FROM authz.credentials',
  'ALTER TABLE authz.principals DISABLE TRIGGER publish_changed',
  'SET session_replication_role = replica',
  `SELECT authz.touch_principals()`,
  'CREATE TABLE authz.mine (n int)',
])('does not let the role of the service run: %s', async (sql) => {
  await expect(as('authz', sql)).rejects.toThrow(/permission denied|must be owner/);
});

test.each([
  `UPDATE authz.principals SET id = 'other' WHERE id = 'bob'`,
  `UPDATE authz.organisations SET slug = 'other' WHERE id = '${A}'`,
  `WITH gone AS (DELETE FROM authz.organisations WHERE id = '${B}') SELECT; UPDATE authz.organisations SET removed = false WHERE id = '${B}'`,
  `UPDATE authz.principals SET removed = true WHERE id = 'bob'; UPDATE authz.principals SET removed = false WHERE id = 'bob'`,
  `UPDATE authz.principals SET removed = true WHERE id = 'bob'; INSERT INTO authz.organisation_members VALUES ('bob', '${A}')`,
  `UPDATE authz.principals SET removed = true WHERE id = 'bob'; INSERT INTO authz.credentials (type, principal, name, prefix, hash) VALUES ('token', 'bob', 'x', '', sha256('s'))`,
  `UPDATE authz.principals SET active_organisation = '${A}' WHERE id = 'bob'`,
  `UPDATE authz.group_members SET name = 'y'`,
  `INSERT INTO authz.group_members VALUES ('alice', '${A}', 'admin')`,
  `INSERT INTO authz.group_members VALUES ('alice', '${A}', 'public')`,
  `INSERT INTO authz.group_members VALUES ('alice', '${A}', 'authenticated')`,
  `INSERT INTO authz.group_members VALUES ('bob', '${A}', 'x')`,
  `INSERT INTO authz.principals (id, name) VALUES ('a.b', 'x')`,
  `INSERT INTO authz.principals (id, name) VALUES ('x', repeat('😀', 101))`,
])('keeps what identifies and what ended, also from plain SQL of the owner: %s', async (sql) => {
  await expect(as('owner', sql)).rejects.toThrow(/change|removed|no such|violates|would leave/);
});

test.each([
  ['an unknown action', 'authorization_rules', '{"fly": []}'],
  ['rules that are no list', 'authorization_rules', '{"read": "x"}'],
  ['a rule without a group', 'authorization_rules', '{"read": [{"match": {"a": 1}}]}'],
  ['a match that is no object', 'authorization_rules', '{"read": [{"group": "x", "match": [1]}]}'],
  [
    'an operand of the wrong shape',
    'authorization_rules',
    '{"read": [{"group": "x", "match": {"a": {"$in": [[1]]}}}]}',
  ],
  ['an empty group', 'authorization_rules', '{"read": [""]}'],
  ['JSON null for no rules', 'authorization_rules', 'null'],
  [
    'a condition that parsers drop',
    'authorization_rules',
    '{"read": [{"group": "x", "match": {"__proto__": 1, "a": 1}}]}',
  ],
  ['rules of a system field', 'property_rules', '{"_owner": {"read": ["x"]}}'],
  ['an unknown right to a property', 'property_rules', '{"a": {"delete": ["x"]}}'],
  ['a role without actions', 'roles', '[{"name": "x"}]'],
  ['more than the bus carries', 'property_rules', `{"${'p'.repeat(140_000)}": {"read": ["x"]}}`],
])(
  'refuses a policy with %s, which readers could not parse, also from plain SQL',
  async (_what, column, value) => {
    const sql = `INSERT INTO authz.policies (id, target, ${column}) VALUES ('${SCHEMA}', 'schema', '${value}')`;
    await expect(as('owner', sql)).rejects.toThrow(/violates check constraint/);
  },
);

const secondWaits = async (): Promise<boolean> => {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await as('admin', waiting)).length > 0;
};

test('lets one of two moves through that together would make a circle', async () => {
  const [first, second] = [
    new Client({ connectionString: database.authzUrl }),
    new Client({ connectionString: database.authzUrl }),
  ];
  await Promise.all([first.connect(), second.connect()]);
  try {
    for (const level of ['READ COMMITTED', 'REPEATABLE READ']) {
      await as('owner', 'UPDATE authz.organisations SET parent = NULL');
      await Promise.all([
        first.query(`BEGIN ISOLATION LEVEL ${level}`),
        second.query(`BEGIN ISOLATION LEVEL ${level}`),
      ]);
      await Promise.all([
        first.query('SELECT FROM authz.organisations'),
        second.query('SELECT FROM authz.organisations'),
      ]);
      await first.query(`UPDATE authz.organisations SET parent = '${B}' WHERE id = '${A}'`);
      const other = second.query(`UPDATE authz.organisations SET parent = '${A}' WHERE id = '${B}'`).then(
        () => 'moved',
        (error: Error) => error.message,
      );
      await waitFor(secondWaits, { what: 'the second move waits for the first' });
      await first.query('COMMIT');
      expect(await other).toMatch(/below itself|could not serialize/);
      await second.query('ROLLBACK');
    }
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
});

test('allows as many ancestors as readers walk up, counting what is above and what is below', async () => {
  const chain = await query<{ id: string }>(
    database.ownerUrl,
    'SELECT gen_random_uuid() AS id FROM generate_series(1, $1)',
    [MAX_ANCESTORS + 1],
  );
  for (const [index, { id }] of chain.entries()) {
    const parent = index === 0 ? 'NULL' : `'${chain[index - 1]?.id}'`;
    await as(
      'authz',
      `INSERT INTO authz.organisations (id, slug, name, parent) VALUES ('${id}', 'o${index}', 'o', ${parent})`,
    );
  }
  const below = `INSERT INTO authz.organisations (slug, name, parent) VALUES ('too-deep', 'o', '${chain.at(-1)?.id}')`;
  await expect(as('authz', below)).rejects.toThrow(/at most 10 ancestors/);
  const above = `UPDATE authz.organisations SET parent = '${A}' WHERE id = '${chain[0]?.id}'`;
  await expect(as('authz', above)).rejects.toThrow(/at most 10 ancestors/);
  const toItself = `UPDATE authz.organisations SET parent = '${chain.at(-1)?.id}' WHERE id = '${chain[0]?.id}'`;
  await expect(as('authz', toItself)).rejects.toThrow(/below itself/);
});

test('tells rising versions only, and the last one is what is stored, under concurrent changes of one principal', async () => {
  await as('authz', `INSERT INTO authz.organisation_members VALUES ('bob', '${A}')`);
  await clearOutbox(database.ownerUrl);
  await Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let round = 0; round < 5; round++) {
        await as('authz', `INSERT INTO authz.group_members VALUES ('bob', '${A}', 'g${worker}-${round}')`);
        await as('authz', `UPDATE authz.principals SET name = 'Bob ${worker}-${round}' WHERE id = 'bob'`);
      }
    }),
  );
  const told = await statesTold();
  const versions = told.map((state) => state.version);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(new Set(versions).size).toBe(80);
  const [stored] = await query<{ state: RightsState }>(
    database.authzUrl,
    `SELECT authz.principal_state(p) AS state FROM authz.principals p WHERE id = 'bob'`,
  );
  expect(told.at(-1)).toEqual(stored?.state);
});
