import { z } from 'zod';
import { LIST_LIMITS, QUERY_PARAMETERS } from './object.ts';

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

/** A page of anything: `results` from `offset`, at most `limit` of `total`. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    results: z.array(item),
    total: z.int().min(0),
    limit: z.int().min(1),
    offset: z.int().min(0),
  });
}
