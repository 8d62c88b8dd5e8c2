import { z } from 'zod';
import { eventIdSchema } from './event-id.ts';
import { principalIdSchema, uuidSchema } from './identifier.ts';
import { LIST_LIMITS, QUERY_PARAMETERS } from './object.ts';
import { resyncReasonSchema } from './stream.ts';
import { timestampSchema } from './time.ts';

/**
 * Bounds of the tables face. Creating is one statement however many there are; changes and deletes lock rows until all of
 * them are written, so fewer go into one request.
 */
export const TABLE_LIMITS = Object.freeze({
  maxCreates: LIST_LIMITS.maxLimit,
  maxChanges: 100,
  maxMergeFields: 10,
});

/** Query parameters of a list of records. */
export const TABLE_QUERY_PARAMETERS = Object.freeze({
  page: 'page',
  limit: 'limit',
  offset: 'offset',
  sort: 'sort',
  order: 'order',
  search: 'q',
  fields: 'fields',
  filter: 'filter',
  updatedSince: 'updatedSince',
  includeDeleted: 'includeDeleted',
  organisation: QUERY_PARAMETERS.organisation,
  permanent: QUERY_PARAMETERS.permanent,
  token: QUERY_PARAMETERS.token,
});

/** Members of a record outside of `fields`: the system keeps them, clients cannot write them. */
export const TABLE_SYSTEM_NAMES = Object.freeze([
  'id',
  'createdAt',
  'updatedAt',
  'createdBy',
  'updatedBy',
] as const);

/** Who wrote a record: absent where the reader shares no organisation with the actor. */
export const tableActorSchema = z.object({
  id: z.union([principalIdSchema, z.string().max(200)]),
  name: z.string().max(200),
});
export type TableActor = z.infer<typeof tableActorSchema>;

/**
 * Field values by name. Not a `z.record`, which drops a name that is `__proto__` without a word: the value is the one
 * that was given.
 */
export const tableFieldsSchema = z
  .custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be a JSON object',
  )
  .meta({ type: 'object', description: 'values by field name' });

/** A record on the tables face: `fields` holds what the reader may see, `updatedAt` is the token of the next write. */
export const tableRecordSchema = z.object({
  id: uuidSchema,
  fields: tableFieldsSchema,
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
  createdBy: tableActorSchema.optional(),
  updatedBy: tableActorSchema.optional(),
});
export type TableRecord = z.infer<typeof tableRecordSchema>;

/** A deleted record in the answer to a poll: for those who could see it, and nothing of what it was. */
export const deletedRecordSchema = z.object({
  id: uuidSchema,
  /** When it was deleted. */
  updatedAt: timestampSchema,
  deleted: z.literal(true),
});
export type DeletedRecord = z.infer<typeof deletedRecordSchema>;

/** Where a page lies in its list. */
export const tablePaginationSchema = z.object({
  page: z.int().min(1),
  limit: z.int().min(1),
  offset: z.int().min(0),
  total: z.int().min(0),
  totalPages: z.int().min(0),
  hasNextPage: z.boolean(),
  hasPreviousPage: z.boolean(),
});
export type TablePagination = z.infer<typeof tablePaginationSchema>;

/**
 * A page of records. `position` is the place in the log that it includes: subscribe from it, miss nothing. The other members
 * are there in the answer to a poll: `next` is what to send as `updatedSince` next time, at once while there is `more`;
 * `resync` says that the reader begins again with this answer.
 */
export const tableRecordListSchema = z.object({
  records: z.array(z.union([tableRecordSchema, deletedRecordSchema])),
  pagination: tablePaginationSchema,
  position: eventIdSchema,
  next: z.string().max(4096).optional(),
  more: z.boolean().optional(),
  resync: z.object({ reason: resyncReasonSchema }).optional(),
});
export type TableRecordList = z.infer<typeof tableRecordListSchema>;

/** The `updatedAt` that was read: the write happens only while the record still has it. Milliseconds count. */
const tokenSchema = z.string().max(40).describe('the updatedAt that was read; 409 when it is another by now');

/** A new record: `{fields}`, or the values themselves at top level. */
export const tableNewRecordSchema = z.strictObject({ fields: tableFieldsSchema });

/** A change: `{fields, updatedAt?}`, or the values at top level with `updatedAt` beside them. */
export const tableRecordPatchSchema = z.strictObject({
  fields: tableFieldsSchema,
  updatedAt: tokenSchema.optional(),
});

/** Body of `POST /api/tables/{table}/records/batch`. */
export const tableBatchCreateSchema = z.strictObject({
  records: z.array(tableNewRecordSchema).min(1).max(TABLE_LIMITS.maxCreates),
  returnRecords: z.boolean().optional(),
});

/** Body of `PATCH /api/tables/{table}/records/batch`. */
export const tableBatchPatchSchema = z.strictObject({
  records: z
    .array(z.strictObject({ id: uuidSchema, fields: tableFieldsSchema, updatedAt: tokenSchema.optional() }))
    .min(1)
    .max(TABLE_LIMITS.maxChanges),
  returnRecords: z.boolean().optional(),
});

const idsSchema = z.array(uuidSchema).min(1).max(TABLE_LIMITS.maxChanges);

/** Body of `DELETE /api/tables/{table}/records/batch` and of `POST …/batch/delete`. */
export const tableBatchDeleteSchema = z.strictObject({ ids: idsSchema, permanent: z.boolean().optional() });

/** Body of `POST /api/tables/{table}/records/batch/restore`. */
export const tableBatchRestoreSchema = z.strictObject({ ids: idsSchema });

const mergeFieldsSchema = z.array(z.string().min(1).max(200)).min(1).max(TABLE_LIMITS.maxMergeFields);

/**
 * Body of `POST /api/tables/{table}/records/upsert`: a record whose merge fields have these values is changed, otherwise
 * one is created. One of `fieldsToMergeOn` and its alias is required.
 */
export const tableUpsertSchema = z.strictObject({
  records: z.array(tableRecordPatchSchema).min(1).max(TABLE_LIMITS.maxChanges),
  fieldsToMergeOn: mergeFieldsSchema.optional(),
  matchFields: mergeFieldsSchema.optional().describe('alias of fieldsToMergeOn'),
  returnRecords: z.boolean().optional(),
});

/**
 * What a request on many records did, all of it or nothing. Only the count of its own kind is present, both for an
 * upsert; `records` when they were asked for.
 */
export const tableBatchResultSchema = z.object({
  success: z.literal(true).optional(),
  created: z.int().min(0).optional(),
  updated: z.int().min(0).optional(),
  deleted: z.int().min(0).optional(),
  restored: z.int().min(0).optional(),
  records: z.array(tableRecordSchema).optional(),
});
export type TableBatchResult = z.infer<typeof tableBatchResultSchema>;
