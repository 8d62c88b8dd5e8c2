import { mayActOn, mayReadByRule, readableProperties } from './evaluator.ts';
import { Finding } from './finding.ts';
import type { Properties, Row, Write } from './model.ts';
import type { Random } from './random.ts';
import type { Schema } from './rights.ts';
import { send } from './send.ts';
import type { Outcome } from './send.ts';
import { imageOf, mayChange, mayCreate, merged, own, questionOf } from './verdict.ts';
import type { World } from './world.ts';
import { MOST_ROWS_PER_SCHEMA, bodyOf, newRow, tellingPatch, writableRows } from './writes.ts';

const FEW_ROWS = 12;
const KEYS = [['prio'], ['status', 'prio'], ['assignee', 'status'], ['open', 'title', 'prio'], ['until']];

/** One random request of the tables face: a row or many, all of them or none. */
export async function writeByTable(world: World, random: Random, schema: Schema): Promise<void> {
  const rows = writableRows(world, schema);
  const trash = [...world.model.rows.values()].filter(
    (row) => row.restorable === true && row.schema === schema && !world.model.uncertain.has(row.uuid),
  );
  const place = { world, random, schema, writer: writerOf(world, random) };
  const isFull = rows.length >= MOST_ROWS_PER_SCHEMA;
  const isEmpty = rows.length === 0;
  const write = random.weighted<() => Promise<void>>([
    [isFull ? 0 : rows.length < FEW_ROWS ? 20 : 2, () => createMany(place)],
    [isFull || world.model.uncertain.size > 0 ? 0 : 4, () => upsert(place, rows)],
    [isFull || trash.length === 0 ? 0 : 4, () => restore(place, trash)],
    [isEmpty ? 0 : 6, () => patchMany(place, rows)],
    [isEmpty ? 0 : 6, () => patchOne(place, random.pick(rows))],
    [rows.length < FEW_ROWS ? 0 : 2, () => removeMany(place, rows)],
    [rows.length < FEW_ROWS ? 0 : 1, () => removeOne(place, random.pick(rows))],
    [1, () => createMany(place)],
  ]);
  await write();
}

/** Who writes into which table. */
interface Place {
  readonly world: World;
  readonly random: Random;
  readonly schema: Schema;
  readonly writer: string;
}

function writerOf(world: World, random: Random): string {
  return random.chance(0.6) ? world.adminId : random.pick(world.people);
}

function pathOf({ random, schema }: Place): string {
  return `/api/tables/${random.chance(0.2) ? schema.id : schema.table}/records`;
}

async function createMany(place: Place): Promise<void> {
  const { world, random, writer, schema } = place;
  const rows = Array.from({ length: 1 + random.below(4) }, () => newRow(world, random, writer, schema));
  const allowed = rows.every((row) => mayCreate(world, writer, row));
  const records = rows.map((row) => ({ fields: bodyOf(world, writer, row) }));
  const body = { records, returnRecords: true };
  await send(world, { writer, method: 'POST', path: `${pathOf(place)}/batch`, body, allowed }, (answer) => {
    requireCounts(answer, { created: rows.length });
    return rows.map((row, index) => created(writer, { ...row, uuid: idAt(answer, index) }));
  });
}

/** A change of a row, with the token that is sent along. */
interface Patch {
  readonly row: Row;
  readonly next: Row;
  readonly fields: Properties;
  readonly token: string | undefined;
  readonly isStale: boolean;
}

async function patchOf(place: Place, row: Row): Promise<Patch> {
  const { world, random } = place;
  const fields = tellingPatch(world, random, row);
  const next = { ...row, properties: merged(row.properties, fields), version: row.version + 1 };
  const token = random.chance(0.5) ? await someToken(place, row) : undefined;
  return { row, next, fields, token: token?.text, isStale: token?.isStale === true };
}

interface Token {
  readonly text: string;
  readonly isStale: boolean;
}

/** The row's token, or now and then another one; of a row that is not there every token is another one. */
async function someToken({ world, random }: Place, row: Row | undefined): Promise<Token | undefined> {
  if (row === undefined)
    return random.chance(0.2) ? { text: new Date().toISOString(), isStale: true } : undefined;
  const known = await tokenOf(world, row);
  if (known === undefined) return undefined;
  if (!random.chance(0.15)) return { text: known, isStale: false };
  return {
    text: new Date(Date.parse(known) + random.pick([-1, 1, -86_400_000])).toISOString(),
    isStale: true,
  };
}

/** `updatedAt` as the log told it, or as it is read now. */
async function tokenOf(world: World, row: Row): Promise<string | undefined> {
  const image = world.model.images.get(row.uuid)?.image;
  if (image?.['_version'] === row.version) return String(image['_updated']);
  const path = `/api/tables/${row.schema.table}/records/${row.uuid}`;
  const answer = await world.admin.ask('GET', path).catch(() => undefined);
  return answer?.status === 200 ? (answer.body as { readonly updatedAt: string }).updatedAt : undefined;
}

async function patchMany(place: Place, rows: readonly Row[]): Promise<void> {
  const { world, random, writer } = place;
  const chosen = random.some(rows, 0.2).slice(0, 8);
  if (chosen.length === 0) chosen.push(random.pick(rows));
  const all: Patch[] = [];
  for (const row of chosen) all.push(await patchOf(place, row));
  const patches = mostlyAllowed(place, all, ({ row, next, fields: sent }) =>
    mayChange(world, writer, { row, next, sent }),
  );
  const records = patches.map(({ row, fields, token }) => ({
    id: row.uuid,
    fields,
    ...(token === undefined ? {} : { updatedAt: token }),
  }));
  const sent = { writer, method: 'PATCH', path: `${pathOf(place)}/batch`, body: { records } };
  await send(world, { ...sent, ...verdictOf(place, patches) }, (answer) => {
    requireCounts(answer, { updated: patches.length });
    return patches.map(({ next }) => ({ action: 'updated', actor: writer, row: next }));
  });
}

async function patchOne(place: Place, row: Row): Promise<void> {
  const { world, random, writer } = place;
  const patch = await patchOf(place, row);
  const { fields, token, next } = patch;
  const condition = token === undefined ? {} : { updatedAt: token };
  const body = random.chance(0.5) ? { fields, ...condition } : { ...fields, ...condition };
  const sent = { writer, method: 'PATCH', path: `${pathOf(place)}/${row.uuid}`, body };
  await send(world, { ...sent, ...verdictOf(place, [patch]) }, () => [
    { action: 'updated', actor: writer, row: next },
  ]);
}

/** A stale token is a conflict for whoever could have written the row, and nothing of the request is done. */
function verdictOf({ world, writer }: Place, patches: readonly Patch[]) {
  const may = patches.every(({ row, next, fields: sent }) => mayChange(world, writer, { row, next, sent }));
  const isStale = patches.some((patch) => patch.isStale);
  return { allowed: may && !isStale, refusal: may && isStale ? 409 : undefined };
}

/** What the writer may do, where it may do anything; now and then with something that it may not. */
function mostlyAllowed<T>({ random }: Place, all: readonly T[], may: (one: T) => boolean): readonly T[] {
  const allowed = all.filter(may);
  return allowed.length === 0 || random.chance(0.2) ? all : allowed;
}

async function removeMany(place: Place, rows: readonly Row[]): Promise<void> {
  const { world, random, writer, schema } = place;
  const question = questionOf(world, writer, schema);
  const may = (row: Row): boolean => mayActOn(question, imageOf(row), 'delete');
  const some = random.some(rows, 0.12);
  const chosen = mostlyAllowed(place, some.length === 0 ? [random.pick(rows)] : some, may);
  const permanent = random.chance(0.3);
  const [method, path] = random.chance(0.5) ? ['DELETE', '/batch'] : ['POST', '/batch/delete'];
  const body = { ids: chosen.map(({ uuid }) => uuid), ...(permanent ? { permanent } : {}) };
  const allowed = chosen.every(may);
  await send(world, { writer, method, path: `${pathOf(place)}${path}`, body, allowed }, (answer) => {
    requireCounts(answer, { deleted: chosen.length });
    return chosen.map((row) => deleted(writer, row, permanent));
  });
}

async function removeOne(place: Place, row: Row): Promise<void> {
  const { world, random, writer, schema } = place;
  const allowed = mayActOn(questionOf(world, writer, schema), imageOf(row), 'delete');
  const permanent = random.chance(0.4);
  const path = `${pathOf(place)}/${row.uuid}${permanent ? '?permanent=true' : ''}`;
  await send(world, { writer, method: 'DELETE', path, allowed }, () => [deleted(writer, row, permanent)]);
}

/** Whoever may delete what it was, and create what it becomes. */
async function restore(place: Place, trash: readonly Row[]): Promise<void> {
  const { world, random, writer, schema } = place;
  const question = questionOf(world, writer, schema);
  const may = (row: Row): boolean =>
    row.restorable === true &&
    mayActOn(question, imageOf({ ...row, version: row.version - 1 }), 'delete') &&
    mayActOn(question, imageOf({ ...row, version: row.version + 1 }), 'create');
  const some = random.some(trash, 0.3).slice(0, 5);
  const chosen = mostlyAllowed(place, some.length === 0 ? [random.pick(trash)] : some, may);
  // What was deleted for good is as little there as what never was.
  const lost = [...world.model.rows.values()].find(
    ({ exists, uuid, restorable }) => !exists && restorable !== true && !world.model.uncertain.has(uuid),
  );
  const rows = lost !== undefined && random.chance(0.1) ? [...chosen, lost] : chosen;
  const [only, ...others] = rows;
  const isOne = only !== undefined && others.length === 0 && random.chance(0.6);
  const path = `${pathOf(place)}/${isOne ? `${only.uuid}/restore` : 'batch/restore'}`;
  const body = isOne ? {} : { ids: rows.map(({ uuid }) => uuid) };
  await send(world, { writer, method: 'POST', path, body, allowed: rows.every(may) }, () =>
    rows.map((row) => {
      const next: Row = { ...row, version: row.version + 1, exists: true, restorable: false };
      return { action: 'created', actor: writer, row: next, restored: true };
    }),
  );
}

/** Finds rows by what identifies them, among those that the writer may read where it writes; makes those that are not there. */
async function upsert(place: Place, rows: readonly Row[]): Promise<void> {
  const { world, random, writer, schema } = place;
  const keyFields = random.pick(KEYS);
  const given = new Map<string, Row>();
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    const row = wantedRow(place, keyFields, rows);
    given.set(JSON.stringify([row.organisation, keyFields.map((name) => row.properties[name])]), row);
  }
  const wanted = [...given.values()];
  const found = wanted.map((row) => matchesOf(place, keyFields, row, rows));
  const tokens: (Token | undefined)[] = [];
  for (const [row] of found) tokens.push(random.chance(0.4) ? await someToken(place, row) : undefined);
  const records = wanted.map((row, index) => ({
    fields: bodyOf(world, writer, row),
    ...(tokens[index] === undefined ? {} : { updatedAt: tokens[index].text }),
  }));
  const writes = wanted.map((row, index) => upserted(place, row, found[index]?.[0]));
  const isClear = found.every((matches) => matches.length <= 1);
  const isStale = tokens.some((token) => token?.isStale);
  const allowed = isClear && !isStale && writes.every(({ allowed: may }) => may);
  const question = questionOf(world, writer, schema);
  // Whether there is such a table, and such a field, is for those who may read it somewhere.
  const unsure = !rows.some((row) => {
    const readable = readableProperties(question, imageOf(row));
    return mayReadByRule(question, imageOf(row)) && keyFields.every((name) => readable.has(name));
  });
  const names = random.chance(0.2) ? { matchFields: keyFields } : { fieldsToMergeOn: keyFields };
  const sent = { writer, method: 'POST', path: `${pathOf(place)}/upsert`, body: { records, ...names } };
  const outcome: Outcome = (answer) => {
    const updated = found.filter((matches) => matches.length === 1).length;
    requireCounts(answer, { created: wanted.length - updated, updated });
    return writes.map(({ write }, index) =>
      write.action === 'updated' ? write : { ...write, row: { ...write.row, uuid: idAt(answer, index) } },
    );
  };
  await send(world, { ...sent, allowed, unsure: unsure && writer !== world.adminId }, outcome);
}

/** A row with a whole key: often that of one that is there. */
function wantedRow(
  { world, random, writer, schema }: Place,
  keys: readonly string[],
  rows: readonly Row[],
): Row {
  const row = newRow(world, random, writer, schema);
  const like = rows.length > 0 && random.chance(0.7) ? random.pick(rows) : undefined;
  const key = keys.map((name) => [
    name,
    own(like?.properties ?? {}, name) ?? world.generator.value(random, name),
  ]);
  const organisation = like !== undefined && writer === world.adminId ? like.organisation : row.organisation;
  return { ...row, organisation, properties: { ...row.properties, ...Object.fromEntries(key) } };
}

function matchesOf(
  { world, writer, schema }: Place,
  keys: readonly string[],
  wanted: Row,
  rows: readonly Row[],
): Row[] {
  const question = questionOf(world, writer, schema);
  return rows.filter((row) => {
    const image = imageOf(row);
    if (row.organisation !== wanted.organisation || !mayActOn(question, image, 'read')) return false;
    const readable = readableProperties(question, image);
    return keys.every(
      (name) => readable.has(name) && own(row.properties, name) === own(wanted.properties, name),
    );
  });
}

function upserted(
  { world, writer }: Place,
  wanted: Row,
  row: Row | undefined,
): { write: Write; allowed: boolean } {
  if (row === undefined) return { write: created(writer, wanted), allowed: mayCreate(world, writer, wanted) };
  const properties = merged(row.properties, wanted.properties);
  const next = { ...row, properties, version: row.version + 1 };
  return {
    write: { action: 'updated', actor: writer, row: next },
    allowed: mayChange(world, writer, { row, next, sent: wanted.properties }),
  };
}

function created(writer: string, row: Row): Write {
  return { action: 'created', actor: writer, row };
}

function deleted(writer: string, row: Row, permanent: boolean): Write {
  const next: Row = { ...row, version: row.version + 1, exists: false, restorable: !permanent };
  return { action: 'deleted', actor: writer, row: next };
}

type Answer = Readonly<Record<string, unknown>> | undefined;

function idAt(answer: Answer, index: number): string {
  if (answer === undefined) return 'unknown';
  const records = answer['records'] as readonly { readonly id: string }[] | undefined;
  return records?.[index]?.id ?? 'not told';
}

function requireCounts(answer: Answer, counts: Readonly<Record<string, number>>): void {
  const wrong = Object.entries(counts).filter(
    ([name, count]) => answer !== undefined && answer[name] !== count,
  );
  if (wrong.length > 0)
    throw new Finding('wrong-verdict', 'a request did not do what it says', { answer, counts });
}
