import { z } from 'zod';

/** What micro services say of themselves; grows with what this file says. */
export const CLIENT_SERVICE_VERSION = '1.0.0';

/** As long as a query string can be over HTTP. */
const MAX_QUERY_LENGTH = 16 * 1024;

/** Parameters as a query string has them; one that may come several times is a list. */
export type RequestQuery = Readonly<Record<string, string | readonly string[]>>;

const MAX_NAME_LENGTH = 200;
const MAX_VALUES = 100;

/** Not a `z.record`, which drops a name that is `__proto__` without a word: an ignored parameter is another request. */
const querySchema = z
  .custom<RequestQuery>(
    isQuery,
    `must be parameters by name, each a text or a list of at most ${MAX_VALUES} texts, ${MAX_QUERY_LENGTH} characters together`,
  )
  .meta({
    type: 'object',
    additionalProperties: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: MAX_VALUES }],
    },
  })
  .optional();

/**
 * `read.v1.list.{subscriber}`: a page of `register` and `schema`, or of `table`. `query` holds what the list takes as query
 * parameters over HTTP, and the answer is the same document.
 */
export const listRequestSchema = z.strictObject({
  register: z.string().max(200).optional(),
  schema: z.string().max(200).optional(),
  table: z.string().max(200).optional(),
  query: querySchema,
});
export type ListRequest = z.infer<typeof listRequestSchema>;

/** `read.v1.get.{subscriber}`: one object, or one record of a table. */
export const getRequestSchema = listRequestSchema.extend({ id: z.string().max(200) });
export type GetRequest = z.infer<typeof getRequestSchema>;

/** `read.v1.topics.{subscriber}` and `read.v1.explain.{subscriber}`: what these take over HTTP, and the same answers. */
export const queryRequestSchema = z.strictObject({ query: querySchema });
export type QueryRequest = z.infer<typeof queryRequestSchema>;

type Entries = readonly (readonly [name: string, value: string])[];

/** The entries of a query string that says the same, in the order of the names. */
export function entriesOfQuery(query: RequestQuery = {}): Entries {
  return Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((each) => [name, each] as const),
  );
}

function isQuery(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  let length = 0;
  for (const [name, given] of Object.entries(value)) {
    const texts: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (name === '' || name.length > MAX_NAME_LENGTH || texts.length > MAX_VALUES) return false;
    for (const text of texts) {
      if (typeof text !== 'string') return false;
      length += name.length + text.length + '&='.length;
    }
  }
  return length <= MAX_QUERY_LENGTH;
}
