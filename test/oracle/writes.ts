import { mayActOn, readableProperties } from './evaluator.ts';
import { SQL_ACTOR } from './model.ts';
import type { Properties, Row, Write } from './model.ts';
import type { Random } from './random.ts';
import type { Schema } from './rights.ts';
import { send } from './send.ts';
import { imageOf, mayChange, mayCreate, merged, questionOf } from './verdict.ts';
import type { World } from './world.ts';

export const MOST_ROWS_PER_SCHEMA = 40;

/** One random write through the API, by somebody who may or may not do it; the answer must say which. */
export async function writeByApi(world: World, random: Random, schema: Schema): Promise<void> {
  const rows = writableRows(world, schema);
  const writer = random.chance(0.75) ? world.adminId : random.pick(world.people);
  const kind = random.weighted<'create' | 'patch' | 'put' | 'delete' | 'transfer'>([
    [rows.length >= MOST_ROWS_PER_SCHEMA ? 0 : rows.length < 12 ? 60 : 14, 'create'],
    [rows.length === 0 ? 0 : 70, 'patch'],
    [rows.length === 0 ? 0 : 6, 'put'],
    [rows.length === 0 ? 0 : 8, 'transfer'],
    [rows.length < 12 ? 0 : 12, 'delete'],
  ]);
  if (kind === 'create') await create(world, random, writer, schema);
  else if (kind === 'transfer') await transfer(world, random, writer, random.pick(rows));
  else {
    const row = random.pick(rows);
    const action = kind === 'delete' ? 'delete' : 'update';
    // A refusal shows nothing to anybody: most of those who may not leave it to who may.
    const may = mayActOn(questionOf(world, writer, schema), imageOf(row), action);
    await change(world, random, { writer: may || random.chance(0.3) ? writer : world.adminId, kind, row });
  }
}

/** Rows that exist and whose state is known, in an order that does not depend on their random names. */
export function writableRows(world: World, schema: Schema): Row[] {
  return [...world.model.rows.values()].filter(
    (row) => row.exists && row.schema === schema && !world.model.uncertain.has(row.uuid),
  );
}

async function create(world: World, random: Random, writer: string, schema: Schema): Promise<void> {
  const row = newRow(world, random, writer, schema);
  const allowed = mayCreate(world, writer, row);
  const body = bodyOf(world, writer, row);
  await send(world, { writer, method: 'POST', path: pathOf(schema), body, allowed }, (answer) => [
    {
      action: 'created',
      actor: writer,
      row: { ...row, uuid: answer === undefined ? 'unknown' : String(answer['id']) },
    },
  ]);
}

/** A row that the writer could make: where it acts, or anywhere for the administrator. */
export function newRow(world: World, random: Random, writer: string, schema: Schema): Row {
  const properties = world.generator.properties(random);
  const anywhere = (): string | null => (random.chance(0.06) ? null : world.anOrganisation(random));
  const organisation = writer === world.adminId ? anywhere() : world.model.principal(writer).active;
  return { uuid: '', schema, organisation, owner: writer, properties, version: 1, exists: true };
}

/** What is sent to make a row. */
export function bodyOf(world: World, writer: string, { properties, organisation }: Row): Properties {
  return writer === world.adminId ? { ...properties, _organisation: organisation } : properties;
}

interface Change {
  readonly writer: string;
  readonly kind: 'patch' | 'put' | 'delete';
  readonly row: Row;
}

async function change(world: World, random: Random, { writer, kind, row }: Change): Promise<void> {
  const { schema } = row;
  const question = questionOf(world, writer, schema);
  const before = imageOf(row);
  const path = `${pathOf(schema)}/${row.uuid}`;
  const version = row.version + 1;
  if (kind === 'delete') {
    const allowed = mayActOn(question, before, 'delete');
    await send(world, { writer, method: 'DELETE', path, allowed }, () => [
      { action: 'deleted', actor: writer, row: { ...row, version, exists: false, restorable: true } },
    ]);
    return;
  }
  // What a replacement leaves alone is told by what its writer reads: who reads nothing of the row does not replace it.
  if (kind === 'put' && !mayActOn(question, before, 'read')) return;
  const body = kind === 'patch' ? tellingPatch(world, random, row) : world.generator.properties(random);
  const properties =
    kind === 'patch'
      ? merged(row.properties, body)
      : { ...without(row.properties, readableProperties(question, before)), ...body };
  const next: Row = { ...row, properties, version };
  const allowed = mayChange(world, writer, { row, next, sent: body });
  await send(world, { writer, method: kind === 'patch' ? 'PATCH' : 'PUT', path, body, allowed }, () => [
    { action: 'updated', actor: writer, row: next },
  ]);
}

/** Another owner, which administrators give. */
async function transfer(world: World, random: Random, writer: string, row: Row): Promise<void> {
  const owner = random.chance(0.2) ? null : random.pick(world.people.filter((id) => id !== row.owner));
  if (owner === row.owner) return;
  const path = `${pathOf(row.schema)}/${row.uuid}/owner`;
  const allowed = writer === world.adminId;
  await send(world, { writer, method: 'PUT', path, body: { owner }, allowed }, () => [
    { action: 'updated', actor: writer, row: { ...row, owner, version: row.version + 1 } },
  ]);
}

const TRIES = 3;
const TRIES_WHEN_URGENT = 16;

/** A patch that shows the row to somebody or hides it, if one of a few does; otherwise just a patch. */
export function tellingPatch(world: World, random: Random, row: Row): Record<string, unknown> {
  const focus = world.focusOf(row.schema);
  let patch = world.generator.patch(random, focus, row.properties);
  const most = world.urgent ? TRIES_WHEN_URGENT : TRIES;
  for (let tries = 1; tries < most; tries += 1) {
    const after = imageOf({ ...row, properties: merged(row.properties, patch) });
    if (world.crosses(row.schema, imageOf(row), after)) return patch;
    patch = world.generator.patch(random, focus, row.properties);
  }
  return patch;
}

/** One random statement or transaction of plain SQL: rules do not bind it, events come of it all the same. */
export async function writeBySql(world: World, random: Random, schema: Schema): Promise<void> {
  const rows = writableRows(world, schema);
  const graves = [...world.model.rows.values()].filter(
    (row) => !row.exists && row.schema === schema && !world.model.uncertain.has(row.uuid),
  );
  const kind = random.weighted<() => Promise<void>>([
    [rows.length >= MOST_ROWS_PER_SCHEMA ? 0 : 2, () => insert(world, random, schema, undefined)],
    [
      graves.length === 0 || rows.length >= MOST_ROWS_PER_SCHEMA ? 0 : 1,
      () => insert(world, random, schema, random.pick(graves)),
    ],
    [rows.length === 0 ? 0 : 9, () => updateMany(world, random, random.some(rows, 0.25))],
    [rows.length === 0 ? 0 : 2, () => setOwner(world, random, random.pick(rows))],
    [rows.length < 12 ? 0 : 1.5, () => removeMany(world, random.some(rows, 0.08))],
    [rows.length < 12 ? 0 : 2, () => writeInTransaction(world, random, schema)],
  ]);
  await kind();
}

type Statement = { readonly text: string; readonly write: Write };

/** Several statements in one transaction, the same row in more than one of them; now and then it is taken back. */
async function writeInTransaction(world: World, random: Random, schema: Schema): Promise<void> {
  const rows = new Map(writableRows(world, schema).map((row) => [row.uuid, row]));
  const statements: Statement[] = [];
  const add = (text: string, write: Write): void => {
    statements.push({ text, write: { ...write, actor: SQL_ACTOR } });
    rows.set(write.row.uuid, write.row);
  };
  const favourite = random.pick([...rows.keys()]);
  for (let count = 2 + random.below(4); count > 0; count -= 1) {
    const row = rows.get(random.chance(0.5) ? favourite : random.pick([...rows.keys()]));
    if (row === undefined || !row.exists) continue;
    const version = row.version + 1;
    if (random.chance(0.15)) {
      const gone = { ...row, version, exists: false, restorable: true };
      add(`delete from records.objects where uuid = '${row.uuid}'`, {
        action: 'deleted',
        actor: SQL_ACTOR,
        row: gone,
      });
      continue;
    }
    const patch = withoutNull(world.generator.patch(random, world.focusOf(schema)));
    const text = `update records.objects set properties = properties || ${literal(patch)} where uuid = '${row.uuid}'`;
    const properties = { ...row.properties, ...patch };
    add(text, { action: 'updated', actor: SQL_ACTOR, row: { ...row, properties, version } });
  }
  const isKept = random.chance(0.85);
  const texts = statements.map(({ text }) => text);
  await world.platform.sql(['begin', ...texts, isKept ? 'commit' : 'rollback'].join(';\n'));
  if (isKept) world.model.wrote(statements.map(({ write }) => write));
}

function literal(properties: Properties): string {
  return `$oracle$${JSON.stringify(properties)}$oracle$::jsonb`;
}

function withoutNull(patch: Properties): Properties {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null));
}

async function insert(world: World, random: Random, schema: Schema, grave: Row | undefined): Promise<void> {
  const properties = world.generator.properties(random);
  const organisation = random.chance(0.05) ? null : world.anOrganisation(random);
  const owner = random.chance(0.6) ? random.pick(world.people) : null;
  const [made] = await world.platform.sql<{ uuid: string; version: string }>(
    `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
     select coalesce($1::uuid, gen_random_uuid()), register_id, id, $3, $4, $5 from records.schemas where id = $2
     returning uuid, version`,
    [grave?.uuid ?? null, schema.id, organisation, owner, properties],
  );
  if (made === undefined) throw new Error('the insert returned nothing');
  const version = Number(made.version);
  const row: Row = { uuid: made.uuid, schema, organisation, owner, properties, version, exists: true };
  world.model.wrote([{ action: 'created', actor: SQL_ACTOR, row }]);
}

async function updateMany(world: World, random: Random, rows: readonly Row[]): Promise<void> {
  const [first] = rows;
  const patch = first === undefined ? {} : tellingPatch(world, random, first);
  await updateRows(world, rows, withoutNull(patch));
}

/** Gives rows the same values with one statement. */
export async function updateRows(world: World, rows: readonly Row[], patch: Properties): Promise<void> {
  const done = await world.platform.sql<{ uuid: string }>(
    'update records.objects set properties = properties || $2 where uuid = any($1) returning uuid',
    [rows.map(({ uuid }) => uuid), patch],
  );
  const written = rowsOf(done, rows).map((row): Row => {
    const properties = { ...row.properties, ...patch };
    return { ...row, properties, version: row.version + 1 };
  });
  world.model.wrote(written.map((row) => ({ action: 'updated', actor: SQL_ACTOR, row })));
}

async function setOwner(world: World, random: Random, row: Row): Promise<void> {
  const owner = random.chance(0.2) ? null : random.pick(world.people);
  await world.platform.sql('update records.objects set owner = $2 where uuid = $1', [row.uuid, owner]);
  const next = { ...row, owner, version: row.version + 1 };
  world.model.wrote([{ action: 'updated', actor: SQL_ACTOR, row: next }]);
}

async function removeMany(world: World, rows: readonly Row[]): Promise<void> {
  const done = await world.platform.sql<{ uuid: string }>(
    'delete from records.objects where uuid = any($1) returning uuid',
    [rows.map(({ uuid }) => uuid)],
  );
  const written = rowsOf(done, rows).map((row): Row => ({
    ...row,
    version: row.version + 1,
    exists: false,
    restorable: true,
  }));
  world.model.wrote(written.map((row) => ({ action: 'deleted', actor: SQL_ACTOR, row })));
}

function rowsOf(done: readonly { readonly uuid: string }[], rows: readonly Row[]): Row[] {
  return done.flatMap(({ uuid }) => rows.find((one) => one.uuid === uuid) ?? []);
}

function pathOf(schema: Schema): string {
  return `/api/objects/${schema.register}/${schema.slug}`;
}

function without(properties: Properties, names: ReadonlySet<string>): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name)));
}
