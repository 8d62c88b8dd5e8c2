import { z } from 'zod';

/**
 * How the values of a field are ordered, by lists and by clients that keep an order: `text` by Unicode code point, `number`
 * by value, `boolean` with `false` first, `instant` as the moment that an RFC 3339 text names, to the millisecond. A value
 * of another type counts as none, and what has no value comes last in both directions. `none`: the field has no order, and
 * sorts nothing.
 */
export const SORT_TYPES = ['text', 'number', 'boolean', 'instant', 'none'] as const;
export const sortTypeSchema = z.enum(SORT_TYPES);
export type SortType = (typeof SORT_TYPES)[number];
