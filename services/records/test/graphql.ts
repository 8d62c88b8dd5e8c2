import { graphqlAnswerSchema } from '@tidewire/contract';
import type { GraphqlAnswer } from '@tidewire/contract';
import { expect } from 'vitest';
import { expectStatus, uniqueSlug } from './platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from './platform.ts';

/** What GraphQL calls a schema whose slug has no singular of its own, as the slugs of tests. */
export interface GraphqlNames {
  readonly type: string;
  readonly list: string;
  readonly single: string;
  readonly create: string;
  readonly update: string;
  readonly delete: string;
}

/** A schema with what GraphQL calls it. */
export interface GraphqlTable extends TestTable {
  readonly names: GraphqlNames;
}

/** Schemas in one register, each with a slug that begins like its key. */
export async function createGraphqlTables<Key extends string>(
  world: RecordsTestPlatform,
  schemas: Readonly<Record<Key, (slugOf: (key: Key) => string) => Record<string, unknown>>>,
): Promise<Record<Key, GraphqlTable>> {
  const register = uniqueSlug('reg');
  await expectStatus(201, world.admin.post('/api/registers', { slug: register }));
  const keys = Object.keys(schemas) as Key[];
  const slugs = new Map(keys.map((key) => [key, uniqueSlug(key)]));
  const slugOf = (key: Key): string => slugs.get(key) ?? key;
  const tables = {} as Record<Key, GraphqlTable>;
  for (const key of keys) {
    const schema = slugOf(key);
    const body = { register, slug: schema, ...schemas[key](slugOf) };
    const answer = await expectStatus(201, world.admin.post('/api/schemas', body));
    const objects = `/api/objects/${register}/${schema}`;
    tables[key] = { register, schema, schemaId: String(answer.body['id']), objects, names: namesOf(schema) };
  }
  return tables;
}

function namesOf(slug: string): GraphqlNames {
  const [first = '', ...rest] = slug.split('-');
  const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
  const type = [first, ...rest].map(capital).join('');
  const list = [first, ...rest.map(capital)].join('');
  return {
    type,
    list,
    single: `${list}ById`,
    create: `create${type}`,
    update: `update${type}`,
    delete: `delete${type}`,
  };
}

/** Sends a document; whatever comes back has the shape of the contract. */
export async function send(
  caller: Caller,
  query: string,
  variables?: Readonly<Record<string, unknown>>,
): Promise<Answer & { readonly result: GraphqlAnswer }> {
  const answer = await caller.post('/api/graphql', {
    query,
    ...(variables === undefined ? {} : { variables }),
  });
  return { ...answer, result: graphqlAnswerSchema.parse(answer.body) };
}

/** The data of an answer that has no errors. */
export async function dataOf(
  caller: Caller,
  query: string,
  variables?: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { result } = await send(caller, query, variables);
  expect(result.errors).toBeUndefined();
  return result.data ?? {};
}

/** Codes of an answer's errors. */
export function codesOf({ result }: { readonly result: GraphqlAnswer }): unknown[] {
  return (result.errors ?? []).map(({ extensions }) => extensions.code);
}
