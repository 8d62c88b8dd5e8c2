import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditEntrySchema } from '@tidewire/contract';
import type { AuditEntry } from '@tidewire/contract';
import { createLogger, createPool, runMigrations } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { startPostgres, waitFor } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { query } from '../../test/owner.ts';
import { AUDIT_START, readAuditPage } from './audit-log-postgres.ts';

const A = '7f3b2a10-0000-4000-8000-00000000000a';
const B = '7f3b2a10-0000-4000-8000-00000000000b';
const SCHEMA = '7f3b2a10-0000-4000-8000-0000000000c5';
const logger = createLogger({ service: 'test', level: 'silent' });

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await startPostgres({ services: ['relay', 'authz'] });
  pool = createPool({ databaseUrl: database.authzUrl, service: 'test', logger });
  await as(
    'authz',
    `INSERT INTO authz.organisations (id, slug, name) VALUES ('${A}', 'a', 'A'), ('${B}', 'b', 'B')`,
  );
  await as('authz', `INSERT INTO authz.principals (id, name) VALUES ('alice', 'Alice')`);
});
afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const urls = { authz: 'authzUrl', owner: 'ownerUrl', admin: 'adminUrl' } as const;
const as = (role: keyof typeof urls, sql: string): Promise<Record<string, unknown>[]> =>
  query(database[urls[role]], sql);
const page = { filter: {}, after: undefined, order: 'oldest', limit: 1000, maxBytes: 10_000_000 } as const;
/** All entries, each held against the contract. */
const entries = async (): Promise<AuditEntry[]> =>
  (await readAuditPage(pool, page)).entries.map((entry) => auditEntrySchema.parse(entry));
/** What a statement adds to the log. */
const added = async (role: keyof typeof urls, sql: string): Promise<AuditEntry[]> => {
  const before = await entries();
  await as(role, sql);
  return (await entries()).slice(before.length);
};

test('says of every change who made it, within which request, and what was before and after', async () => {
  const who = `SET LOCAL tidewire.actor = '{"id":"admin","name":"Admin","organisation":null}'; SET LOCAL tidewire.correlation_id = 'c-1';`;
  const told = await added(
    'authz',
    `BEGIN; ${who}
     INSERT INTO authz.policies (id, target, authorization_rules) VALUES ('${SCHEMA}', 'schema', '{"read": ["x"]}');
     UPDATE authz.principals SET name = 'Al' WHERE id = 'alice';
     UPDATE authz.policies SET authorization_rules = '{"read": []}';
     COMMIT`,
  );
  const request = { actor: { id: 'admin', name: 'Admin', organisation: null }, correlationId: 'c-1' };
  const policy = { id: SCHEMA, target: 'schema', properties: {}, roles: [], removed: false };
  expect(told).toMatchObject([
    {
      ...request,
      kind: 'policy',
      subject: SCHEMA,
      action: 'added',
      before: null,
      after: { ...policy, authorization: { read: ['x'] } },
    },
    {
      ...request,
      kind: 'principal',
      subject: 'alice',
      action: 'changed',
      before: { id: 'alice', name: 'Alice', admin: false, activeOrganisation: null, removed: false },
      after: { id: 'alice', name: 'Al' },
    },
    {
      kind: 'policy',
      action: 'changed',
      before: { ...policy, authorization: { read: ['x'] } },
      after: { ...policy, authorization: { read: [] } },
    },
  ]);
  expect(await added('owner', `DELETE FROM authz.policies`)).toMatchObject([
    {
      actor: { id: 'sql:tidewire_owner' },
      action: 'removed',
      before: { removed: false },
      after: { removed: true },
    },
  ]);
});

test('tells memberships one by one, exactly those that came and went, also those that go with something else', async () => {
  await as('authz', `INSERT INTO authz.organisation_members VALUES ('alice', '${A}'), ('alice', '${B}')`);
  const groups = await added(
    'authz',
    `INSERT INTO authz.group_members VALUES ('alice', '${A}', 'x'), ('alice', '${B}', 'y')`,
  );
  // That the principal has another version now is no change of its own.
  expect(groups.map(({ kind, action, after }) => [kind, action, after])).toEqual([
    ['group', 'added', { principal: 'alice', organisation: A, group: 'x' }],
    ['group', 'added', { principal: 'alice', organisation: B, group: 'y' }],
  ]);
  const gone = await added('owner', `UPDATE authz.organisations SET removed = true WHERE id = '${A}'`);
  expect(
    gone.map(({ kind, subject, action, before, after }) => [kind, subject, action, before, after]),
  ).toEqual(
    expect.arrayContaining([
      ['organisation', A, 'removed', expect.anything(), expect.anything()],
      ['membership', 'alice', 'removed', { principal: 'alice', organisation: A }, null],
      ['group', 'alice', 'removed', { principal: 'alice', organisation: A, group: 'x' }, null],
    ]),
  );
  expect(gone).toHaveLength(3);
});

test('never holds a secret or its hash, and says when a credential came and ended', async () => {
  const told = await added(
    'authz',
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash)
       VALUES ('token', 'alice', 'dashboard', 'tw_marke', sha256('marker'));
     UPDATE authz.credentials SET ended_at = '2026-01-01T00:00:00Z'`,
  );
  expect(told).toMatchObject([
    { kind: 'credential', action: 'added', after: { principal: 'alice', name: 'dashboard', endedAt: null } },
    { kind: 'credential', action: 'removed', after: { endedAt: '2026-01-01T00:00:00.000Z' } },
  ]);
  const [hash] = await as('owner', `SELECT encode(hash, 'hex') AS hex FROM authz.credentials`);
  const everything = JSON.stringify(await as('owner', 'SELECT a::text FROM authz.audit a'));
  expect(everything).not.toContain(hash?.['hex']);
  expect(everything).not.toContain('tw_marke');
});

test('has no entry for what changes no right: nothing new, a rollback, the use of a session', async () => {
  await as(
    'owner',
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at)
     VALUES ('session', 'alice', 's', '', sha256('s'), '2030-01-01'), ('token', 'alice', 't', '', sha256('t'), '2030-01-01')`,
  );
  expect(
    await added(
      'owner',
      `UPDATE authz.principals SET name = name;
       UPDATE authz.credentials SET expires_at = '2030-01-02' WHERE type = 'session';`,
    ),
  ).toEqual([]);
  expect(await added('owner', `BEGIN; UPDATE authz.principals SET name = 'Other'; ROLLBACK`)).toEqual([]);
  // A token that lasts longer is another matter.
  expect(
    await added('owner', `UPDATE authz.credentials SET expires_at = '2031-01-01' WHERE type = 'token'`),
  ).toMatchObject([{ action: 'changed', before: { expiresAt: '2030-01-01T00:00:00.000Z' } }]);
});

test.each([
  ['owner', 'UPDATE authz.audit SET actor = null'],
  ['owner', 'DELETE FROM authz.audit'],
  ['owner', 'TRUNCATE authz.audit'],
  ['owner', 'DELETE FROM authz.audit_order'],
  [
    'authz',
    `INSERT INTO authz.audit (number, time, kind, subject, action) VALUES (99, now(), 'policy', 'x', 'added')`,
  ],
  ['authz', 'DELETE FROM authz.audit'],
  ['authz', 'SELECT FROM authz.audit_order FOR UPDATE'],
  ['authz', 'ALTER TABLE authz.principals DISABLE TRIGGER audit'],
] as const)('is only added to, and by nobody but its triggers: %s may not %s', async (role, sql) => {
  await expect(as(role, sql)).rejects.toThrow(/only added to|permission denied|must be owner/);
});

test('tells what a session that applies a copy writes', async () => {
  const sql = `SET session_replication_role = replica; UPDATE authz.principals SET name = 'Copy' WHERE id = 'alice'`;
  expect(await added('admin', sql)).toMatchObject([{ kind: 'principal', after: { name: 'Copy' } }]);
});

test('numbers entries in the order of commits without gaps: a reader that goes on from the newest misses none', async () => {
  const writers = Array.from({ length: 6 }, async (_, worker) => {
    const client = new Client({ connectionString: database.ownerUrl });
    await client.connect();
    try {
      for (let round = 0; round < 20; round++) {
        await client.query('BEGIN');
        await client.query(
          `INSERT INTO authz.organisations (slug, name) VALUES ('w${worker}-${round}', 'x')`,
        );
        await client.query(`SELECT pg_sleep(random() / 200)`);
        await client.query(`INSERT INTO authz.principals (id, name) VALUES ('w${worker}-${round}', 'x')`);
        await client.query(round % 5 === 0 ? 'ROLLBACK' : 'COMMIT');
      }
    } finally {
      await client.end();
    }
  });
  let after = AUDIT_START;
  const seen: number[] = [];
  const expected = 3 + 6 * 16 * 2;
  const read = async (): Promise<boolean> => {
    const { entries: found, more, newest } = await readAuditPage(pool, { ...page, after, limit: 7 });
    seen.push(...found.map(({ number }) => number));
    const last = found.at(-1);
    after = more && last !== undefined ? last : newest;
    return seen.length >= expected;
  };
  await Promise.all([...writers, waitFor(read, { what: 'all entries are read' })]);
  expect(seen).toEqual(Array.from({ length: expected }, (_, index) => index + 1));
});

test('fails a transaction that could only number its entries by an old snapshot', async () => {
  const old = new Client({ connectionString: database.ownerUrl });
  await old.connect();
  try {
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT FROM authz.audit');
    await as('owner', `UPDATE authz.organisations SET name = 'other' WHERE id = '${A}'`);
    await old.query(`UPDATE authz.principals SET name = 'other' WHERE id = 'alice'`);
    await expect(old.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
  } finally {
    await old.end();
  }
  expect((await entries()).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
});

test('pages go both ways by kind, principal, actor and time, and are cut by their size', async () => {
  await as('owner', `UPDATE authz.principals SET name = 'other' WHERE id = 'alice'`);
  const numbers = async (request: object): Promise<number[]> =>
    (await readAuditPage(pool, { ...page, ...request })).entries.map(({ number }) => number);
  expect(await numbers({ order: 'newest', limit: 2 })).toEqual([4, 3]);
  expect(await numbers({ order: 'newest', after: { number: 3 } })).toEqual([2, 1]);
  expect(await numbers({ filter: { kind: 'organisation' } })).toEqual([1, 2]);
  expect(await numbers({ filter: { principal: 'alice' } })).toEqual([3, 4]);
  expect(await numbers({ filter: { actor: 'sql:tidewire_owner' } })).toEqual([4]);
  expect(await numbers({ filter: { sinceMs: Date.now() + 60_000 } })).toEqual([]);
  expect(await readAuditPage(pool, { ...page, maxBytes: 1 })).toMatchObject({
    entries: [{ number: 1 }],
    more: true,
  });
});

test('is kept where there are no issuers yet', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'audit-test-'));
  const services = join(import.meta.dirname, '..', '..', '..');
  try {
    await using empty = await startPostgres({ services: ['relay'] });
    await cp(join(services, 'authz', 'migrations'), folder, { recursive: true });
    await rm(join(folder, '0006-issuers.sql'));
    await runMigrations({ databaseUrl: empty.ownerUrl, directory: folder, schema: 'authz' });
    await query(empty.ownerUrl, `INSERT INTO authz.principals (id, name) VALUES ('bob', 'Bob')`);
    expect(await query(empty.ownerUrl, 'SELECT kind, subject FROM authz.audit')).toEqual([
      { kind: 'principal', subject: 'bob' },
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
