import { mayActOn, readableProperties, writableProperties } from './evaluator.ts';
import { sameJson } from './expectation.ts';
import { Finding } from './finding.ts';
import { SQL_ACTOR } from './model.ts';
import type { Properties, Row, Write } from './model.ts';
import type { Random } from './random.ts';
import type { Image, Schema } from './rights.ts';
import type { World } from './world.ts';

const MOST_ROWS_PER_SCHEMA = 40;

/** One random write through the API, by somebody who may or may not do it; the answer must say which. */
export async function writeByApi(world: World, random: Random): Promise<void> {
  const schema = world.aSchema(random);
  const rows = writableRows(world, schema);
  const writer = random.chance(0.75) ? world.adminId : random.pick(world.people);
  const kind = random.weighted<'create' | 'patch' | 'put' | 'delete'>([
    [rows.length >= MOST_ROWS_PER_SCHEMA ? 0 : rows.length < 12 ? 60 : 14, 'create'],
    [rows.length === 0 ? 0 : 70, 'patch'],
    [rows.length === 0 ? 0 : 6, 'put'],
    [rows.length < 12 ? 0 : 12, 'delete'],
  ]);
  if (kind === 'create') await create(world, random, writer, schema);
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
  const properties = world.generator.properties(random);
  const isAdmin = writer === world.adminId;
  const organisation = isAdmin
    ? random.chance(0.06)
      ? null
      : world.anOrganisation(random)
    : world.model.principal(writer).active;
  const row: Row = { uuid: '', schema, organisation, owner: writer, properties, version: 1, exists: true };
  const image = imageOf(row);
  const question = questionOf(world, writer, schema);
  const writable = writableProperties(question, image);
  const allowed =
    mayActOn(question, image, 'create') && Object.keys(properties).every((name) => writable.has(name));
  const body = isAdmin ? { ...properties, _organisation: organisation } : properties;
  await send(world, { writer, method: 'POST', path: pathOf(schema), body, allowed }, (answer) => ({
    action: 'created',
    actor: writer,
    row: { ...row, uuid: answer === undefined ? 'unknown' : String(answer['id']) },
  }));
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
    await send(world, { writer, method: 'DELETE', path, allowed }, () => ({
      action: 'deleted',
      actor: writer,
      row: { ...row, version, exists: false },
    }));
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
  const after = imageOf(next);
  const changed = Object.keys({ ...row.properties, ...properties }).filter(
    (name) => !sameJson(own(row.properties, name), own(properties, name)),
  );
  const [was, is] = [writableProperties(question, before), writableProperties(question, after)];
  const isOwner = row.owner === writer && mayActOn(question, before, 'update');
  const allowed =
    mayActOn(question, before, 'update') &&
    (isOwner || mayActOn(question, after, 'update')) &&
    changed.every((name) => was.has(name) && is.has(name));
  await send(world, { writer, method: kind === 'patch' ? 'PATCH' : 'PUT', path, body, allowed }, () => ({
    action: 'updated',
    actor: writer,
    row: next,
  }));
}

const TRIES = 3;

/** A patch that shows the row to somebody or hides it, if one of a few does; otherwise just a patch. */
function tellingPatch(world: World, random: Random, row: Row): Record<string, unknown> {
  const focus = world.focusOf(row.schema);
  let patch = world.generator.patch(random, focus, row.properties);
  for (let tries = 1; tries < TRIES; tries += 1) {
    const after = imageOf({ ...row, properties: merged(row.properties, patch) });
    if (world.crosses(row.schema, imageOf(row), after)) return patch;
    patch = world.generator.patch(random, focus, row.properties);
  }
  return patch;
}

interface Sent {
  readonly writer: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly allowed: boolean;
}

type Outcome = (answer: Record<string, unknown> | undefined) => Write;

async function send(
  world: World,
  { writer, method, path, body, allowed }: Sent,
  outcome: Outcome,
): Promise<void> {
  const answer = await world
    .api(writer)
    .ask(method, path, body)
    .catch(() => undefined);
  if (answer === undefined || answer.status >= 500) {
    // Nobody knows whether it was done: the log will tell.
    if (allowed) world.model.wrote(outcome(undefined), true);
    return;
  }
  const done = answer.status < 300;
  if (done !== allowed) {
    throw new Finding('wrong-verdict', `${method} of ${writer} was answered ${answer.status}`, {
      path,
      body,
      answer: answer.body,
      allowed,
      principal: world.model.rights.principals.get(writer),
    });
  }
  if (done) world.model.wrote(outcome(answer.body as Record<string, unknown> | undefined));
}

/** One random statement or transaction of plain SQL: rules do not bind it, events come of it all the same. */
export async function writeBySql(world: World, random: Random): Promise<void> {
  const schema = world.aSchema(random);
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
    [rows.length === 0 ? 0 : 9, () => updateMany(world, random, schema, random.some(rows, 0.25))],
    [rows.length === 0 ? 0 : 2, () => setOwner(world, random, random.pick(rows))],
    [rows.length < 12 ? 0 : 1.5, () => removeMany(world, random.some(rows, 0.08))],
  ]);
  await kind();
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
  world.model.wrote({
    action: 'created',
    actor: SQL_ACTOR,
    row: {
      uuid: made.uuid,
      schema,
      organisation,
      owner,
      properties,
      version: Number(made.version),
      exists: true,
    },
  });
}

async function updateMany(world: World, random: Random, schema: Schema, rows: readonly Row[]): Promise<void> {
  const patch = Object.fromEntries(
    Object.entries(world.generator.patch(random, world.focusOf(schema))).filter(
      ([, value]) => value !== null,
    ),
  );
  const done = await world.platform.sql<{ uuid: string }>(
    'update records.objects set properties = properties || $2 where uuid = any($1) returning uuid',
    [rows.map(({ uuid }) => uuid), patch],
  );
  for (const { uuid } of done) {
    const row = rows.find((one) => one.uuid === uuid);
    if (row === undefined) continue;
    const properties = { ...row.properties, ...patch };
    world.model.wrote({
      action: 'updated',
      actor: SQL_ACTOR,
      row: { ...row, properties, version: row.version + 1 },
    });
  }
}

async function setOwner(world: World, random: Random, row: Row): Promise<void> {
  const owner = random.chance(0.2) ? null : random.pick(world.people);
  await world.platform.sql('update records.objects set owner = $2 where uuid = $1', [row.uuid, owner]);
  world.model.wrote({
    action: 'updated',
    actor: SQL_ACTOR,
    row: { ...row, owner, version: row.version + 1 },
  });
}

async function removeMany(world: World, rows: readonly Row[]): Promise<void> {
  const done = await world.platform.sql<{ uuid: string }>(
    'delete from records.objects where uuid = any($1) returning uuid',
    [rows.map(({ uuid }) => uuid)],
  );
  for (const { uuid } of done) {
    const row = rows.find((one) => one.uuid === uuid);
    if (row === undefined) continue;
    world.model.wrote({
      action: 'deleted',
      actor: SQL_ACTOR,
      row: { ...row, version: row.version + 1, exists: false },
    });
  }
}

function questionOf(world: World, writer: string, schema: Schema) {
  const credential = writer === world.adminId ? null : world.ticket(writer).credential;
  return { rights: world.model.rights, asker: { principal: writer, credential }, schema, now: Date.now() };
}

/** A row as rules see it; times are in no rule. */
function imageOf({ uuid, schema, organisation, owner, properties, version }: Row): Image {
  return {
    ...properties,
    _uuid: uuid,
    _register: schema.register,
    _schema: schema.slug,
    _organisation: organisation,
    _owner: owner,
    _version: version,
  };
}

function pathOf(schema: Schema): string {
  return `/api/objects/${schema.register}/${schema.slug}`;
}

/** RFC 7396 for properties that hold no objects. */
function merged(properties: Properties, patch: Properties): Properties {
  const next = { ...properties, ...patch };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null));
}

function without(properties: Properties, names: ReadonlySet<string>): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name)));
}

function own(properties: Properties, name: string): unknown {
  return Object.hasOwn(properties, name) ? properties[name] : null;
}
