import { createApi } from '../support/api.ts';
import { mayActOn, mayReadByRule, mayReadRow } from './evaluator.ts';
import { sameJson } from './expectation.ts';
import { Finding } from './finding.ts';
import { argumentsText, createDraft, finish, selectionText, valueText } from './graphql-document.ts';
import type { Draft, WrittenDocument } from './graphql-document.ts';
import { scalarOf } from './graphql-filter.ts';
import { ROW_KEY, expectedRow, expectedUnread, objectTypeOf, toldRow } from './graphql-query.ts';
import type { GraphqlAnswer, Selection } from './graphql-query.ts';
import type { Properties, Row, Write } from './model.ts';
import type { Random } from './random.ts';
import type { Schema } from './rights.ts';
import { bearer } from './tickets.ts';
import { requestOf, statusOf } from './transports/graphql-sse.ts';
import { imageOf, mayChange, mayCreate, merged, questionOf } from './verdict.ts';
import type { World } from './world.ts';
import { MOST_ROWS_PER_SCHEMA, newRow, tellingPatch, writableRows } from './writes.ts';

const FEW_ROWS = 12;
const ROOT = 'written';

/** One random mutation of GraphQL, by somebody who may or may not do it; the answer must say which, and what came of it. */
export async function writeByGraphql(world: World, random: Random, schema: Schema): Promise<void> {
  const rows = writableRows(world, schema);
  const writer = random.chance(0.6) ? world.adminId : random.pick(world.people);
  const place = { world, random, schema, writer };
  const row = rows.length === 0 ? undefined : random.pick(rows);
  const isFull = rows.length >= MOST_ROWS_PER_SCHEMA;
  const kind = random.weighted<() => Promise<void>>([
    [isFull ? 0 : 3, () => create(place)],
    [row === undefined ? 0 : 12, () => (row === undefined ? create(place) : update(place, row))],
    [rows.length < FEW_ROWS ? 0 : 2, () => (row === undefined ? create(place) : remove(place, row))],
    [row === undefined ? 1 : 0, () => create(place)],
  ]);
  await kind();
}

/** Who writes into which schema. */
interface Place {
  readonly world: World;
  readonly random: Random;
  readonly schema: Schema;
  readonly writer: string;
}

/** A mutation as it is sent. */
interface Mutation extends Place {
  readonly document: WrittenDocument;
  readonly selection: Selection;
  readonly allowed: boolean;
  /** The code that it is refused with if it is not allowed; undefined: some code. */
  readonly refusal?: string | undefined;
  /** What is written; undefined: nobody knows which row that is. */
  readonly outcome: (uuid: string | undefined) => Write;
}

async function create(place: Place): Promise<void> {
  const { world, random, writer, schema } = place;
  const made = newRow(world, random, writer, schema);
  // A mutation cannot ask for no organisation.
  const row = { ...made, organisation: made.organisation ?? world.anOrganisation(random) };
  const draft = createDraft(random, schema);
  const given = [
    inputArgument(draft, 'Input', row.properties),
    writer === world.adminId ? `organisation: ${valueText(draft, 'UUID', row.organisation)}` : undefined,
  ];
  await send({
    ...place,
    ...written(draft, 'create', given, false),
    allowed: mayCreate(world, writer, row),
    outcome: (uuid = 'unknown') => ({ action: 'created', actor: writer, row: { ...row, uuid } }),
  });
}

async function update(place: Place, row: Row): Promise<void> {
  const { world, random, writer, schema } = place;
  const sent = tellingPatch(world, random, row);
  const next = { ...row, properties: merged(row.properties, sent), version: row.version + 1 };
  const draft = createDraft(random, schema);
  const version = versionOf(draft, row);
  const given = [idArgument(draft, row), inputArgument(draft, 'Patch', sent), version.text];
  const may = mayChange(world, writer, { row, next, sent });
  await send({
    ...place,
    ...written(draft, 'update', given, false),
    ...verdictOf(place, row, { may, isStale: version.isStale, action: 'update' }),
    outcome: () => ({ action: 'updated', actor: writer, row: next }),
  });
}

async function remove(place: Place, row: Row): Promise<void> {
  const { world, random, writer, schema } = place;
  const permanent = random.chance(0.4);
  const draft = createDraft(random, schema);
  const version = versionOf(draft, row);
  const given = [idArgument(draft, row), version.text, permanent ? 'permanent: true' : undefined];
  const may = mayActOn(questionOf(world, writer, schema), imageOf(row), 'delete');
  const gone = { ...row, version: row.version + 1, exists: false, restorable: !permanent };
  await send({
    ...place,
    ...written(draft, 'delete', given, true),
    ...verdictOf(place, row, { may, isStale: version.isStale, action: 'delete' }),
    outcome: () => ({ action: 'deleted', actor: writer, row: gone }),
  });
}

interface Asked {
  readonly may: boolean;
  readonly isStale: boolean;
  readonly action: 'update' | 'delete';
}

/** Whether a row is there is told to nobody who may not read it. */
function verdictOf({ world, writer }: Place, row: Row, { may, isStale, action }: Asked) {
  if (may) return { allowed: !isStale, refusal: 'STALE_VERSION' };
  const question = questionOf(world, writer, row.schema);
  if (isStale || mayActOn(question, imageOf(row), action)) return { allowed: false };
  return { allowed: false, refusal: mayReadRow(question, imageOf(row)) ? 'FORBIDDEN' : 'NOT_FOUND' };
}

function idArgument(draft: Draft, { uuid }: Row): string {
  return `id: ${valueText(draft, 'UUID!', draft.random.chance(0.2) ? uuid.toUpperCase() : uuid)}`;
}

/** The version that was read, now and then another one, or none. */
function versionOf(
  draft: Draft,
  { version }: Row,
): { readonly text: string | undefined; readonly isStale: boolean } {
  const { random } = draft;
  if (random.chance(0.5)) return { text: undefined, isStale: false };
  const isStale = random.chance(0.2);
  const said = isStale ? version + random.pick([-1, 1]) : version;
  return { text: `version: ${valueText(draft, 'Int', said)}`, isStale };
}

function inputArgument(draft: Draft, kind: 'Input' | 'Patch', properties: Properties): string {
  const { random, schema, variables } = draft;
  if (random.chance(0.4)) {
    variables.set('input', { type: `${objectTypeOf(schema)}${kind}!`, value: { ...properties } });
    return 'input: $input';
  }
  const members = Object.entries(properties).map(
    ([name, value]) => `${name}: ${valueText(draft, scalarOf(schema, name), value)}`,
  );
  return `input: {${members.join(', ')}}`;
}

/** The document, and what it selects of what was written. */
function written(
  draft: Draft,
  action: 'create' | 'update' | 'delete',
  given: readonly (string | undefined)[],
  isGone: boolean,
): Pick<Mutation, 'document' | 'selection'> {
  const { random, schema } = draft;
  const names = isGone
    ? []
    : [
        ...random.some(['_version', '_owner', '_organisation', '_schema'], 0.4),
        ...random.some([...schema.properties.keys()], 0.4),
      ];
  const fields = new Map([...names.map((name) => [name, name] as const), [ROW_KEY, '_uuid'] as const]);
  const type = isGone ? 'DeletedObject' : objectTypeOf(schema);
  const selected = isGone ? `${ROW_KEY}: _uuid` : selectionText(draft, type, fields);
  const field = `${action}${objectTypeOf(schema)}`;
  const body = `${ROOT}: ${field}${argumentsText(given)} { ${selected} }`;
  return { document: finish(draft, 'mutation', body), selection: { fields, related: undefined } };
}

/** Sends a mutation. Its answer must be the one that rights and rows call for. */
async function send(mutation: Mutation): Promise<void> {
  const { world, writer, document, allowed, refusal, outcome } = mutation;
  const { headers } =
    writer === world.adminId ? { headers: bearer(world.platform.adminToken) } : world.ticket(writer);
  const answer = await createApi(world.records)
    .ask('POST', '/api/graphql', requestOf(document, undefined), headers)
    .catch(() => undefined);
  const body = (answer?.body ?? {}) as GraphqlAnswer;
  const { data, errors = [] } = body;
  const told = data?.[ROOT] as Readonly<Record<string, unknown>> | null | undefined;
  const isDone = told !== undefined && told !== null;
  if (answer === undefined || answer.status >= 500 || (!isDone && statusOf(errors) >= 500)) {
    // Nobody knows whether it was done: the log will tell.
    if (allowed) world.model.wrote([outcome(undefined)], true);
    return;
  }
  const asRefused = refusal === undefined || errors.some(({ extensions }) => extensions.code === refusal);
  const isRight = isDone ? allowed : isUnknown(mutation, errors) || (!allowed && asRefused);
  if (!isRight) {
    throw new Finding('wrong-verdict', `a mutation of ${writer} was answered ${answer.status}`, {
      document,
      answer: body,
      allowed,
      refusal,
      principal: world.model.rights.principals.get(writer),
    });
  }
  if (!isDone) return;
  const write = outcome(String(told[ROW_KEY]));
  judgeTold(mutation, write, told, errors);
  world.model.wrote([write]);
}

/** Whoever may read no row of the schema by a rule may not know that there is such a field. */
function isUnknown({ world, writer, schema }: Mutation, errors: GraphqlAnswer['errors'] = []): boolean {
  if (writer === world.adminId || statusOf(errors) !== 404) return false;
  const question = questionOf(world, writer, schema);
  return !world.model.images
    .values()
    .some((row) => row.schema === schema && mayReadByRule(question, row.image));
}

/** What a writer is told of its row: what it may read of it, or which one it is. */
function judgeTold(
  { world, writer, selection, document }: Mutation,
  { row, action }: Write,
  told: Readonly<Record<string, unknown>>,
  errors: GraphqlAnswer['errors'] = [],
): void {
  const question = questionOf(world, writer, row.schema);
  const image = imageOf(row);
  const isRead = action !== 'deleted' && mayReadRow(question, image);
  const expected = isRead
    ? expectedRow(question, image, selection, new Map())
    : expectedUnread(image, selection);
  const actual = toldRow(told, selection, { errors }, [ROOT]);
  if (sameJson(actual, expected)) return;
  throw new Finding('leak', `${writer} was told of what it wrote what is not so`, {
    actual,
    expected,
    document,
  });
}
