import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, runMigrations } from '@tidewire/service-kit';
import { startPostgres } from '@tidewire/test-kit';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, silent } from '../test/database.ts';
import type { RecordsTestDatabase } from '../test/database.ts';

let database: RecordsTestDatabase;
const organisation = '11111111-1111-4111-8111-111111111111';
const register = randomUUID();
const schema = randomUUID();
const otherSchema = randomUUID();
const alice = { id: 'alice', name: 'Alice', organisation };

beforeAll(async () => {
  database = await openTestDatabase();
  await database.records.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [register]);
  for (const [id, slug] of [
    [schema, 'meldingen'],
    [otherSchema, 'klachten'],
  ]) {
    await database.records.query(
      `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, $3, $3)`,
      [id, register, slug],
    );
  }
});
afterAll(() => database[Symbol.asyncDispose]());

/** Runs statements in one transaction of the service's role, as this actor. */
async function as<Result>(actor: unknown, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await database.records.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('tidewire.actor', $1, true)`, [JSON.stringify(actor)]);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function insert(
  uuid: string = randomUUID(),
  into = schema,
  role: pg.Pool = database.records,
): Promise<string> {
  await role.query(
    `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
     values ($1, $2, $3, $4, 'alice', '{"titel":"a"}')`,
    [uuid, register, into, organisation],
  );
  return uuid;
}

async function remove(uuid: string): Promise<void> {
  await database.records.query('delete from records.objects where uuid = $1', [uuid]);
}

async function objectOf(uuid: string): Promise<Record<string, unknown> | undefined> {
  const { rows } = await database.records.query('select * from records.objects where uuid = $1', [uuid]);
  return rows[0];
}

async function graveOf(uuid: string, home = schema): Promise<Record<string, unknown> | undefined> {
  const { rows } = await database.records.query(
    'select * from records.tombstones where uuid = $1 and schema_id = $2',
    [uuid, home],
  );
  return rows[0];
}

async function restore(
  uuid: string,
  version: number,
  home = schema,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await database.records.query(
    'select r.* from records.restore($1, $2, $3) r where r.uuid is not null',
    [uuid, home, version],
  );
  return rows[0];
}

test('an object names who created it and who wrote it last, as its events do', async () => {
  const uuid = randomUUID();
  await as(alice, (client) =>
    client.query(
      `insert into records.objects (uuid, register_id, schema_id, properties) values ($1, $2, $3, '{}')`,
      [uuid, register, schema],
    ),
  );
  expect(await objectOf(uuid)).toMatchObject({ created_by: alice, updated_by: alice });
  await database.owner.query(`update records.objects set owner = 'bob' where uuid = $1`, [uuid]);
  const [, update] = await database.eventsOf(uuid);
  const object = await objectOf(uuid);
  expect(object).toMatchObject({ created_by: alice, updated_by: { id: 'sql:tidewire_owner' } });
  expect(object?.['updated_by']).toEqual(update?.message['actor']);
});

test('the last transaction is the one that wrote, whatever the statement says', async () => {
  const uuid = await insert(randomUUID(), schema, database.owner);
  const write = async (sql: string): Promise<string> => {
    const client = await database.owner.connect();
    try {
      await client.query('begin');
      await client.query('savepoint s');
      await client.query(sql, [uuid]);
      const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id');
      await client.query('commit');
      return rows[0]?.id ?? '';
    } finally {
      client.release();
    }
  };
  const updated = await write(
    `update records.objects set transaction = '7', created_by = '{}', updated_by = '{}' where uuid = $1`,
  );
  const object = await objectOf(uuid);
  expect(object).toMatchObject({ transaction: updated, created_by: { id: 'sql:tidewire_owner' } });
  expect(object?.['updated_by']).toEqual(object?.['created_by']);
  const deleted = await write('delete from records.objects where uuid = $1');
  expect(await graveOf(uuid)).toMatchObject({ transaction: deleted });
  expect(Number(deleted)).toBeGreaterThan(Number(updated));
});

test('rows from before the migration are older than every transaction, and of nobody', async () => {
  await using urls = await startPostgres({ services: ['relay'] });
  const pool = createPool({ databaseUrl: urls.ownerUrl, service: 'test', logger: silent });
  const migrations = join(import.meta.dirname, '..', 'migrations');
  const first = await mkdtemp(join(tmpdir(), 'tidewire-migrations-'));
  try {
    await cp(join(migrations, '0001-records.sql'), join(first, '0001-records.sql'));
    await runMigrations({ databaseUrl: urls.ownerUrl, directory: first, schema: 'records' });
    await pool.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [register]);
    await pool.query(
      `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'oud', 'oud')`,
      [schema, register],
    );
    const [living, dead] = [
      await insert(randomUUID(), schema, pool),
      await insert(randomUUID(), schema, pool),
    ];
    await pool.query('delete from records.objects where uuid = $1', [dead]);
    const applied = await runMigrations({
      databaseUrl: urls.ownerUrl,
      directory: migrations,
      schema: 'records',
    });
    expect(applied).toContain('0002-polling-and-trash');
    const { rows } = await pool.query(`
      select uuid, version, transaction::text, created_by, updated_by, null::boolean as restorable from records.objects
      union all
      select uuid, version, transaction::text, created_by, updated_by, restorable from records.tombstones`);
    const unknown = { transaction: '0', created_by: null, updated_by: null };
    expect(rows).toEqual([
      { uuid: living, version: 1, restorable: null, ...unknown },
      { uuid: dead, version: 2, restorable: false, ...unknown },
    ]);
    await insert(dead, schema, pool);
    await pool.query('delete from records.objects');
  } finally {
    await pool.end();
    await rm(first, { recursive: true });
  }
});

test('a deleted object is restored with its properties, owner and creation, and its version goes on', async () => {
  const uuid = await insert();
  const before = await objectOf(uuid);
  await as(alice, (client) => client.query('delete from records.objects where uuid = $1', [uuid]));
  expect(await graveOf(uuid)).toMatchObject({
    restorable: true,
    deleted_by: alice,
    properties: { titel: 'a' },
    owner: 'alice',
    version: 2,
  });
  const restored = await restore(uuid, 2);
  const { created, created_by, owner, organisation: tenant, properties } = before ?? {};
  expect(restored).toMatchObject({
    created,
    created_by,
    owner,
    organisation: tenant,
    properties,
    version: 3,
  });
  expect((await database.eventsOf(uuid)).map(({ message }) => message['action'])).toEqual([
    'created',
    'deleted',
    'created',
  ]);
  expect(await graveOf(uuid)).toMatchObject({ restorable: false });
});

test('only what is in the trash, with the version that was looked at, is restored', async () => {
  const uuid = await insert();
  expect(await restore(uuid, 1)).toBeUndefined();
  await remove(uuid);
  expect(await restore(uuid, 1)).toBeUndefined();
  expect(await restore(uuid, 2, otherSchema)).toBeUndefined();
  await insert(uuid);
  expect(await objectOf(uuid)).toMatchObject({ version: 3 });
  expect(await restore(uuid, 2)).toBeUndefined();
  await remove(uuid);
  expect(await restore(uuid, 2)).toBeUndefined();
  expect(await restore(uuid, 4)).toMatchObject({ version: 5 });
});

test('of two who restore the same object at once, one restores it', async () => {
  const uuid = await insert();
  await remove(uuid);
  const results = await Promise.all([restore(uuid, 2), restore(uuid, 2), restore(uuid, 2)]);
  expect(results.filter((result) => result !== undefined)).toHaveLength(1);
});

test('an object that is created again under the same uuid is a new one: its creation is now', async () => {
  const uuid = await insert();
  const createdAt = async (): Promise<number> => Number((await objectOf(uuid))?.['created']);
  const first = await createdAt();
  await remove(uuid);
  await insert(uuid);
  expect(await createdAt()).toBeGreaterThan(first);
});

test('a permanent delete leaves nothing to restore', async () => {
  const [gone, kept] = [await insert(), await insert()];
  await as(alice, async (client) => {
    await client.query(`select set_config('tidewire.permanent', 'on', true)`);
    await client.query('delete from records.objects where uuid = $1', [gone]);
  });
  await remove(kept);
  expect(await restore(gone, 2)).toBeUndefined();
  expect(await restore(kept, 2)).toBeDefined();
});

test('a delete stays known in each schema where the uuid was used, and its version never repeats', async () => {
  const uuid = await insert();
  await remove(uuid);
  await insert(uuid, otherSchema);
  expect(await objectOf(uuid)).toMatchObject({ version: 3, schema_id: otherSchema });
  await remove(uuid);
  expect(await graveOf(uuid, schema)).toMatchObject({ version: 2, restorable: false });
  expect(await graveOf(uuid, otherSchema)).toMatchObject({ version: 4, restorable: true });
  await insert(uuid);
  expect(await objectOf(uuid)).toMatchObject({ version: 5 });
});

test('a delete stays known in each organisation between which the object was transferred', async () => {
  const uuid = await insert();
  const transfer = (to: string | null): Promise<unknown> =>
    as(alice, async (client) => {
      await client.query('delete from records.objects where uuid = $1', [uuid]);
      await client.query(
        `insert into records.objects (uuid, register_id, schema_id, organisation) values ($1, $2, $3, $4)`,
        [uuid, register, schema, to],
      );
    });
  for (const to of ['22222222-2222-4222-8222-222222222222', null, organisation, null]) await transfer(to);
  const { rows } = await database.records.query(
    'select organisation, version from records.tombstones where uuid = $1 order by version',
    [uuid],
  );
  expect(rows).toEqual([
    { organisation: '22222222-2222-4222-8222-222222222222', version: 4 },
    { organisation: null, version: 6 },
    { organisation, version: 8 },
  ]);
});

test('the trash is emptied in steps: nothing that people wrote stays, the version does', async () => {
  await database.records.query(`select records.empty_trash('0 seconds', 1000)`);
  const uuids = [await insert(), await insert(), await insert()];
  for (const uuid of uuids) await remove(uuid);
  const empty = async (retention: string): Promise<number> => {
    const { rows } = await database.records.query('select records.empty_trash($1::interval, 2) as emptied', [
      retention,
    ]);
    return rows[0].emptied;
  };
  expect(await empty('1 hour')).toBe(0);
  expect(await empty('0 seconds')).toBe(2);
  expect(await empty('0 seconds')).toBe(1);
  expect(await empty('0 seconds')).toBe(0);
  for (const uuid of uuids) {
    expect(await graveOf(uuid)).toMatchObject({
      version: 2,
      restorable: false,
      owner: null,
      properties: null,
      created_by: null,
      updated_by: null,
      deleted_by: null,
    });
    expect(await restore(uuid, 2)).toBeUndefined();
  }
});

test('the role of the service writes tombstones, stamps and transactions through triggers and functions only', async () => {
  const uuid = await insert();
  await remove(uuid);
  const other = await insert();
  for (const sql of [
    `update records.tombstones set restorable = true where uuid = '${uuid}'`,
    `update records.objects set updated_by = '{}' where uuid = '${other}'`,
    `update records.objects set transaction = '1' where uuid = '${other}'`,
    `insert into records.objects (uuid, register_id, schema_id, created) values
       (gen_random_uuid(), '${register}', '${schema}', now())`,
  ]) {
    await expect(database.records.query(sql), sql).rejects.toThrow('permission denied');
  }
});
