import { QUERY_PARAMETERS } from '@tidewire/contract';
import type { pageQuerySchema } from '@tidewire/contract';
import type { z } from 'zod';

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

/** What the query asks for. */
export function pageRequest(query: z.infer<typeof pageQuerySchema>): PageRequest {
  return { limit: query[QUERY_PARAMETERS.limit], offset: query[QUERY_PARAMETERS.offset] };
}

/** The answer of a list, in the envelope of the registers face. */
export function formatPage<Item>(page: Page<Item>, request: PageRequest): Page<Item> & PageRequest {
  return { results: page.results, total: page.total, limit: request.limit, offset: request.offset };
}
