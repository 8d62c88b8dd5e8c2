import { randomUUID } from 'node:crypto';
import { mayReadByRule, mayReadRow } from './evaluator.ts';
import type { Question } from './evaluator.ts';
import { sameJson } from './expectation.ts';
import { Finding } from './finding.ts';
import { askGraphql } from './graphql-answers.ts';
import { createObjectsQuery } from './graphql-generator.ts';
import { expectedRow, toldRow } from './graphql-query.ts';
import type { GraphqlAnswer, GraphqlObjectsQuery } from './graphql-query.ts';
import type { Random } from './random.ts';
import type { Image } from './rights.ts';
import type { Ticket } from './tickets.ts';
import { statusOf } from './transports/graphql-sse.ts';
import type { World } from './world.ts';

/** Rows of one document. */
const ROWS = 6;

/** Somebody asks for rows by their ids: some that it may read, some that it may not, some that are nowhere or gone. */
export async function probeObjects(world: World, random: Random): Promise<void> {
  const { model, schemas, records, people } = world;
  const schema = random.pick(schemas);
  const ticket = world.ticket(random.pick(people));
  const known = [...model.images.keys(), ...model.graves.keys()];
  const uuids = new Set([
    ...random.some([...model.images.keys()], Math.min(1, ROWS / model.images.size)),
    ...(known.length === 0 ? [] : [random.pick(known)]),
    randomUUID(),
  ]);
  const query = createObjectsQuery(random, schema, [...uuids].slice(0, 2 * ROWS));
  judgeObjects(world, ticket, query, await askGraphql(records, ticket, query));
}

function judgeObjects(
  { history, model }: World,
  { principal, credential }: Ticket,
  query: GraphqlObjectsQuery,
  answer: GraphqlAnswer,
): void {
  const { schema, roots, selection } = query;
  const { data, errors = [] } = answer;
  const { rights } = history;
  const question: Question = { rights, asker: { principal, credential }, schema, now: Date.now() };
  const context = { query: query.query, principal: rights.principals.get(principal ?? ''), answer };
  if (data === undefined || data === null) {
    // Whoever may read its own rows only does not know the schema.
    const knows = model.images
      .values()
      .some((row) => row.schema.id === schema.id && mayReadByRule(question, row.image));
    if (statusOf(errors) === 404 && !knows) return;
    throw new Finding('wrong-refusal', `rows of ${schema.slug} were refused to ${principal}`, context);
  }
  for (const [key, uuid] of roots) {
    const row = model.images.get(uuid);
    const isReadable = row?.schema.id === schema.id && mayReadRow(question, row.image);
    const expected = isReadable ? expectedRow(question, row.image, selection, model.images) : null;
    const node = data[key] as Image | null;
    const told = node && toldRow(node, selection, { errors }, [key]);
    if (sameJson(told, expected)) continue;
    const kind = expected === null ? 'leak' : 'wrong-list';
    throw new Finding(kind, `${principal} was told of ${uuid} what is not so`, {
      told,
      expected,
      ...context,
    });
  }
  const stray = errors.find(({ path = [] }) => data[String(path[0])] === null || !roots.has(String(path[0])));
  if (stray === undefined) return;
  throw new Finding('leak', `${principal} got an error about a row that is not there`, { stray, ...context });
}
