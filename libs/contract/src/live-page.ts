import { z } from 'zod';
import { pagePathSchema } from './presence.ts';

/** Bounds of the file that defines pages, and of each page in it. */
export const LIVE_PAGE_LIMITS = Object.freeze({
  maxFileBytes: 256 * 1024,
  maxPages: 100,
  maxComponents: 12,
  maxColumns: 40,
  maxFilterTerms: 20,
  maxFilterValues: 100,
  maxSortTerms: 5,
  maxPageSize: 200,
  maxRows: 1000,
  minPollIntervalMs: 1000,
  maxPollIntervalMs: 300_000,
});

/** How a filter of a page compares. */
export const LIVE_PAGE_OPERATORS = Object.freeze([
  'eq',
  'neq',
  'contains',
  'gt',
  'lt',
  'gte',
  'lte',
  'in',
] as const);

const textSchema = z.string().min(1).max(200);
const fieldSchema = z.string().min(1).max(200);
const scalarSchema = z.union([z.string().max(1000), z.number(), z.boolean(), z.null()], {
  error: 'must be a text, a number, true, false or null',
});

/** One condition; `in` takes a list, the others one value. */
export const livePageFilterSchema = z.strictObject({
  field: fieldSchema,
  operator: z.enum(LIVE_PAGE_OPERATORS),
  value: z.union([scalarSchema, z.array(scalarSchema).min(1).max(LIVE_PAGE_LIMITS.maxFilterValues)], {
    error: `must be a text, a number, true, false or null, or a list of at most ${LIVE_PAGE_LIMITS.maxFilterValues} of them`,
  }),
});

export const livePageSortSchema = z.strictObject({
  field: fieldSchema,
  direction: z.enum(['asc', 'desc']).optional(),
});

/** Which rows, and how they are kept up to date. `none` is another name of `static`, which is the default. */
export const livePageSourceSchema = z.strictObject({
  table: textSchema,
  fields: z.array(fieldSchema).min(1).max(LIVE_PAGE_LIMITS.maxColumns).optional(),
  /** All of them have to hold. */
  filter: z.array(livePageFilterSchema).max(LIVE_PAGE_LIMITS.maxFilterTerms).optional(),
  sort: z.array(livePageSortSchema).min(1).max(LIVE_PAGE_LIMITS.maxSortTerms).optional(),
  /** Without it all rows are on one page. */
  pagination: z.strictObject({ pageSize: z.int().min(1).max(LIVE_PAGE_LIMITS.maxPageSize) }).optional(),
  /** At most so many rows are loaded; 100 when absent. */
  limit: z.int().min(1).max(LIVE_PAGE_LIMITS.maxRows).optional(),
  refreshMode: z.enum(['static', 'none', 'poll', 'realtime']).optional(),
  pollIntervalMs: z
    .int()
    .min(LIVE_PAGE_LIMITS.minPollIntervalMs)
    .max(LIVE_PAGE_LIMITS.maxPollIntervalMs)
    .optional(),
});

export const livePageColumnSchema = z.strictObject({
  field: fieldSchema,
  /** The field's name in words when absent. */
  label: textSchema.optional(),
});

export const dataTableSchema = z.strictObject({
  type: z.literal('dataTable'),
  title: textSchema.optional(),
  /** The source's fields, or those that rows have, when absent. */
  columns: z.array(livePageColumnSchema).min(1).max(LIVE_PAGE_LIMITS.maxColumns).optional(),
  dataSource: livePageSourceSchema,
  /** Whether there is a box that filters the rows that are loaded. */
  search: z.boolean().optional(),
  /** Whether cells can be changed by those who may. */
  edit: z.boolean().optional(),
});
export type DataTable = z.infer<typeof dataTableSchema>;

/** A page, as its file defines it. Who is on it is told under its `path`, while `presence` is true. */
export const livePageSchema = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words with hyphens between them'),
  path: pagePathSchema.regex(
    /^(\/[A-Za-z0-9._~-]+)+$/,
    'must begin with a slash and have letters, digits and . _ ~ - between slashes, without one at its end',
  ),
  title: textSchema.optional(),
  presence: z.boolean().optional(),
  components: z.array(dataTableSchema).min(1).max(LIVE_PAGE_LIMITS.maxComponents),
});
export type LivePage = z.infer<typeof livePageSchema>;

/** `GET /api/pages`. */
export const livePageListSchema = z.object({
  pages: z.array(livePageSchema.pick({ name: true, path: true, title: true })),
  /** What is wrong with the file as it is now, if it is: the pages are then those of before. */
  faults: z.array(z.string()),
});
export type LivePageList = z.infer<typeof livePageListSchema>;
