import { LIST_LIMITS, QUERY_PARAMETERS } from '@tidewire/contract';
import { z } from 'zod';

/** Which part of a list is wanted. */
export interface PageRequest {
  readonly limit: number;
  readonly offset: number;
}

/** A part of a list and how long the whole is. */
export interface Page<Item> {
  readonly results: Item[];
  readonly total: number;
}

/** The query of a list; other names are refused, so that a misspelt filter does not silently list everything. */
export const pageQueryShape = {
  [QUERY_PARAMETERS.limit]: z.coerce
    .number()
    .int()
    .min(1)
    .max(LIST_LIMITS.maxLimit)
    .default(LIST_LIMITS.defaultLimit),
  [QUERY_PARAMETERS.offset]: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  [QUERY_PARAMETERS.token]: z.string().optional(),
} as const;
export const pageQuerySchema = z.strictObject(pageQueryShape);

/** What the query asks for. */
export function pageRequest(query: z.infer<typeof pageQuerySchema>): PageRequest {
  return { limit: query[QUERY_PARAMETERS.limit], offset: query[QUERY_PARAMETERS.offset] };
}

/** The answer of a list, in the envelope of the registers face. */
export function formatPage<Item>(page: Page<Item>, request: PageRequest): Page<Item> & PageRequest {
  return { results: page.results, total: page.total, limit: request.limit, offset: request.offset };
}

/** The schema of {@link formatPage}'s answer. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    results: z.array(item),
    total: z.int().min(0),
    limit: z.int().min(1),
    offset: z.int().min(0),
  });
}
