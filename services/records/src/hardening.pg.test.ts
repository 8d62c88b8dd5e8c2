import { randomUUID } from 'node:crypto';
import {
  formatObjectSubject,
  objectImageSchema,
  objectMessageSchema,
  rightsMessageSchema,
} from '@tidewire/contract';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import type { RecordsTestDatabase } from '../test/database.ts';

let database: RecordsTestDatabase;
const organisation = '11111111-1111-4111-8111-111111111111';
const register = randomUUID();
const schema = randomUUID();

beforeAll(async () => {
  database = await openTestDatabase();
  await database.records.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [register]);
  await database.records.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'meldingen', 'meldingen')`,
    [schema, register],
  );
});
afterAll(() => database[Symbol.asyncDispose]());

const insertSql = `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
  values ($1, $2, $3, $4, 'alice', $5) returning version, created, updated`;

async function insert(properties: unknown = { titel: 'a' }, uuid: string = randomUUID()): Promise<string> {
  const text = typeof properties === 'string' ? properties : JSON.stringify(properties);
  await database.records.query(insertSql, [uuid, register, schema, organisation, text]);
  return uuid;
}

function rejected(sql: string, values: unknown[] = [], role: pg.Pool = database.records): Promise<string> {
  return role.query(sql, values).then(
    () => 'accepted',
    (error: { message: string; constraint?: string }) => error.constraint ?? error.message,
  );
}

test('every write makes one event whose subject, message and images have the shape of the contract', async () => {
  const uuid = await insert({ titel: 'één' });
  await database.records.query(`update records.objects set properties = '{"titel":"b"}' where uuid = $1`, [
    uuid,
  ]);
  await database.records.query('delete from records.objects where uuid = $1', [uuid]);
  const events = await database.eventsOf(uuid);
  expect(events.map((event) => event.message['action'])).toEqual(['created', 'updated', 'deleted']);
  for (const event of events) {
    const { before, after } = event;
    const message = objectMessageSchema.parse({ ...event.message, before, after });
    expect(event.subject).toBe(
      formatObjectSubject({
        organisation,
        register: 'zaken',
        schema: 'meldingen',
        uuid,
        action: message.action,
      }),
    );
    expect(Object.keys(event.message).sort()).toEqual(
      [
        'action',
        'actor',
        'correlationId',
        'kind',
        'organisation',
        'register',
        'schema',
        'time',
        'traceparent',
      ]
        .concat('uuid', 'version')
        .sort(),
    );
    for (const image of [before, after]) if (image !== null) objectImageSchema.parse(image);
  }
  expect(events.map((event) => [event.before?.['_version'], event.after?.['_version']])).toEqual([
    [undefined, 1],
    [1, 2],
    [2, undefined],
  ]);
  expect(events.map((event) => event.message['version'])).toEqual([1, 2, 3]);
  expect(events[1]?.after).toMatchObject({ titel: 'b', _uuid: uuid, _owner: 'alice', _register: 'zaken' });
});

test('plain SQL of another role makes events too, and says that it was SQL', async () => {
  const uuid = randomUUID();
  await database.owner.query(insertSql, [uuid, register, schema, null, '{}']);
  const [event] = await database.eventsOf(uuid);
  expect(event?.subject).toBe(`events.none.zaken.meldingen.${uuid}.created`);
  expect(JSON.stringify(event?.message['actor'])).toContain('sql:tidewire_owner');
});

test('rights of a register and a schema follow in the log with the contract shape', async () => {
  const rows = await database.eventsOf(register, schema);
  expect(rows.map((row) => row.subject)).toEqual([
    `catalogue.register.${register}`,
    `catalogue.schema.${schema}`,
  ]);
  for (const row of rows) {
    rightsMessageSchema.parse(row.message);
    expect(row.hasImages).toBe(false);
  }
});

test('the version goes on where a deleted object of the same uuid ended', async () => {
  const uuid = await insert();
  await database.records.query('delete from records.objects where uuid = $1', [uuid]);
  const { rows } = await database.records.query(insertSql, [uuid, register, schema, organisation, '{}']);
  expect(rows[0].version).toBe(3);
});

test('a version never repeats while deletes and upserts of one uuid race', async () => {
  const uuids = Array.from({ length: 3 }, () => randomUUID());
  const write = async (sql: string, values: unknown[]): Promise<void> => {
    for (;;) {
      try {
        await database.records.query(sql, values);
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== '40001') throw error;
      }
    }
  };
  const upsert = `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
    values ($1, $2, $3, null, null, '{}') on conflict (uuid) do update set properties = excluded.properties`;
  const worker = async (seed: number): Promise<void> => {
    for (let round = 0; round < 60; round += 1) {
      const uuid = uuids[(round + seed) % uuids.length];
      if ((round + seed) % 2 === 0) await write('delete from records.objects where uuid = $1', [uuid]);
      else await write(upsert, [uuid, register, schema]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, seed) => worker(seed)));
  for (const uuid of uuids) {
    const versions = (await database.eventsOf(uuid)).map((event) => event.message['version']);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
  }
});

test('an insert that waited for a delete of its uuid is refused as a serialization failure, not given an old version', async () => {
  const uuid = await insert();
  const deleter = await database.records.connect();
  const inserter = await database.records.connect();
  try {
    await deleter.query('begin');
    await deleter.query('delete from records.objects where uuid = $1', [uuid]);
    const waiting = inserter.query(insertSql, [uuid, register, schema, organisation, '{}']).then(
      () => 'inserted',
      (error: { code: string }) => error.code,
    );
    await database.untilWaiting(processOf(inserter));
    await deleter.query('commit');
    expect(await waiting).toBe('40001');
  } finally {
    deleter.release();
    inserter.release();
  }
});

/** The server process of a connection, known without asking the busy connection. */
function processOf(client: pg.PoolClient): number {
  return (client as unknown as { processID: number }).processID;
}

test('the time of an update moves forward by at least a millisecond, also when the clock does not', async () => {
  const uuid = await insert();
  const { rows } = await database.records.query<{ updated: Date; created: Date }>(
    `select created, updated from records.objects where uuid = $1`,
    [uuid],
  );
  let last = rows[0]?.updated.getTime() ?? 0;
  for (let round = 0; round < 20; round += 1) {
    const { rows: after } = await database.records.query<{ updated: Date; created: Date; text: string }>(
      `update records.objects set owner = 'bob' where uuid = $1 returning created, updated, updated::text as text`,
      [uuid],
    );
    expect(after[0]?.updated.getTime()).toBeGreaterThan(last);
    expect(after[0]?.text).toMatch(/:\d\d(\.\d{1,3})?\+/);
    expect(after[0]?.created.getTime()).toBe(rows[0]?.created.getTime());
    last = after[0]?.updated.getTime() ?? 0;
  }
});

test('an object does not move between organisations, registers or schemas, by whatever role', async () => {
  const uuid = await insert();
  for (const column of ['organisation', 'register_id', 'schema_id', 'uuid']) {
    const sql = `update records.objects set ${column} = gen_random_uuid() where uuid = $1`;
    expect(await rejected(sql, [uuid], database.owner)).toBe('object_immutable_place');
    expect(await rejected(sql, [uuid])).toContain('permission denied');
  }
});

test('version and created cannot be written by the service and are not taken from the owner', async () => {
  const uuid = await insert();
  expect(await rejected('update records.objects set version = 77 where uuid = $1', [uuid])).toContain(
    'permission',
  );
  await database.owner.query(
    `update records.objects set version = 77, created = '2000-01-01', updated = '2000-01-01' where uuid = $1`,
    [uuid],
  );
  const { rows } = await database.records.query(
    `select version, created > '2020-01-01' as kept, updated > '2020-01-01' as moved from records.objects where uuid = $1`,
    [uuid],
  );
  expect(rows[0]).toEqual({ version: 2, kept: true, moved: true });
});

test('what the log or a JavaScript reader could not carry is refused by constraint', async () => {
  const refused = (properties: string): Promise<string> =>
    rejected(insertSql, [randomUUID(), register, schema, organisation, properties], database.owner);
  expect(await refused('{"n": 9007199254740993}')).toBe('object_numbers_safe');
  expect(await refused('{"a": {"b": [1, -9007199254740992]}}')).toBe('object_numbers_safe');
  expect(await refused('{"n": 9007199254740991}')).toBe('accepted');
  expect(await refused(JSON.stringify({ text: 'x'.repeat(262_144) }))).toBe('object_properties_size');
  expect(await refused(JSON.stringify({ text: 'x'.repeat(262_000) }))).toBe('accepted');
  expect(await refused('[]')).toBe('object_properties_object');
  expect(await refused('{"id": 1}')).toBe('object_property_names');
  expect(await refused('{"_owner": "me"}')).toBe('object_property_names');
  expect(await refused('{"__proto__": 1}')).toBe('object_property_names');
  expect(await refused(`${'{"a":'.repeat(32)}1${'}'.repeat(32)}`)).toBe('accepted');
  expect(await refused(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)).toBe('object_properties_depth');
  expect(await refused(`{"a":${'['.repeat(31)}1${']'.repeat(31)}}`)).toBe('accepted');
  expect(await refused(`{"a":${'['.repeat(32)}1${']'.repeat(32)}}`)).toBe('object_properties_depth');
});

test('TRUNCATE is refused on every table of the service', async () => {
  for (const table of ['objects', 'registers', 'schemas', 'tombstones']) {
    expect(await rejected(`truncate records.${table} cascade`, [], database.owner)).toContain('is refused');
  }
});

test('the role of the service cannot touch the outbox, its triggers or the tombstones', async () => {
  for (const sql of [
    'select * from outbox.rows',
    'delete from outbox.rows',
    'update outbox.relay_state set sequence = 0',
    `select outbox.enqueue('events.x', 'x', '{}', null, null)`,
    'alter table records.objects disable trigger all',
    'drop trigger z_event on records.objects',
    'delete from records.tombstones',
    "update records.settings set slug_reserved_for = interval '0'",
    `set session_replication_role = replica`,
    `select records.after_object_write()`,
  ]) {
    expect(await rejected(sql), sql).toMatch(
      /permission denied|must be owner|does not exist|can only be called as/,
    );
  }
});

test('triggers fire under session_replication_role = replica', async () => {
  const { rows } = await database.owner.query<{ tgenabled: string }>(
    `select distinct tgenabled from pg_trigger g join pg_class c on c.oid = g.tgrelid
     where c.relnamespace = 'records'::regnamespace and not tgisinternal`,
  );
  expect(rows).toEqual([{ tgenabled: 'A' }]);
});

test('deleting a register deletes its objects with events before it leaves the catalogue, and reserves its slugs', async () => {
  const [registerId, schemaId, uuid] = [randomUUID(), randomUUID(), randomUUID()];
  const create = `insert into records.registers (id, slug) values ($1, 'kort')`;
  await database.records.query(create, [registerId]);
  await database.records.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'dingen', 'dingen')`,
    [schemaId, registerId],
  );
  await database.records.query(insertSql, [uuid, registerId, schemaId, organisation, '{}']);
  await database.records.query('update records.registers set removed = true where id = $1', [registerId]);
  const rows = await database.eventsOf(registerId, schemaId, uuid);
  expect(rows.map((row) => row.subject.split('.').slice(0, 2).join('.'))).toEqual([
    'catalogue.register',
    'catalogue.schema',
    `events.${organisation}`,
    `events.${organisation}`,
    'catalogue.schema',
    'catalogue.register',
  ]);
  expect(rows[3]?.subject).toMatch(/\.deleted$/);
  expect(rows[5]?.message['state']).toMatchObject({ removed: true, version: 2 });
  expect(await rejected(create, [randomUUID()])).toBe('slug_reserved');
  expect(await rejected(insertSql, [randomUUID(), registerId, schemaId, organisation, '{}'])).toBe(
    'object_schema_exists',
  );
  expect(await rejected(`update records.registers set removed = false where id = $1`, [registerId])).toBe(
    'catalogue_removed',
  );
});

test('a slug is free again after the window of the log', async () => {
  const first = randomUUID();
  await database.records.query(`insert into records.registers (id, slug) values ($1, 'weer')`, [first]);
  await database.records.query('update records.registers set removed = true where id = $1', [first]);
  const again = `insert into records.registers (id, slug) values ($1, 'weer')`;
  expect(await rejected(again, [randomUUID()])).toBe('slug_reserved');
  await database.owner.query(`update records.settings set slug_reserved_for = interval '0'`);
  try {
    expect(await rejected(again, [randomUUID()])).toBe('accepted');
  } finally {
    await database.owner.query(`update records.settings set slug_reserved_for = interval '24 hours'`);
  }
});

test('slugs, ids and tables never change and a plain DELETE of a register is refused with the way to do it', async () => {
  expect(
    await rejected(`update records.registers set slug = 'x' where id = $1`, [register], database.owner),
  ).toBe('catalogue_immutable');
  expect(
    await rejected(`update records.schemas set table_slug = 'x' where id = $1`, [schema], database.owner),
  ).toBe('catalogue_immutable');
  expect(await rejected('delete from records.registers', [], database.owner)).toContain('set removed = true');
});

test('an object inserted while its schema is being deleted is either deleted with an event or refused', async () => {
  const schemaId = randomUUID();
  await database.records.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'race', 'race')`,
    [schemaId, register],
  );
  const early = randomUUID();
  const inserter = await database.records.connect();
  const remover = await database.records.connect();
  try {
    await inserter.query('begin');
    await inserter.query(insertSql, [early, register, schemaId, organisation, '{}']);
    const removal = remover.query('update records.schemas set removed = true where id = $1', [schemaId]);
    await database.untilWaiting(processOf(remover));
    await inserter.query('commit');
    await removal;
    expect((await database.eventsOf(early)).map((event) => event.message['action'])).toEqual([
      'created',
      'deleted',
    ]);
    const { rows } = await database.records.query('select from records.objects where schema_id = $1', [
      schemaId,
    ]);
    expect(rows).toEqual([]);
  } finally {
    inserter.release();
    remover.release();
  }
});
