import { z } from 'zod';
import batchExample from '../../examples/table-batch-result.json' with { type: 'json' };
import listExample from '../../examples/table-record-list.json' with { type: 'json' };
import recordExample from '../../examples/table-record.json' with { type: 'json' };
import { referenceSchema } from '../definition.ts';
import { uuidSchema } from '../identifier.ts';
import { LIST_LIMITS } from '../object.ts';
import * as table from '../table.ts';
import { TABLE_QUERY_PARAMETERS as NAMES } from '../table.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'records', tag: 'tables' } as const;
const COLLECTION = '/api/tables/{table}/records';
const ITEM = `${COLLECTION}/{id}` as const;
const BATCH = `${COLLECTION}/batch` as const;
const ID = recordExample.id;

const tableName = {
  name: 'table',
  in: 'path',
  schema: referenceSchema,
  description: 'Slug of the table, or UUID of its schema.',
  example: 'orders',
} as const;
const item = [
  tableName,
  { name: 'id', in: 'path', schema: uuidSchema, description: 'The record.', example: ID },
] as const;

const newRecordSchema = z.union([table.tableNewRecordSchema, table.tableFieldsSchema]);
const patchSchema = z.union([table.tableRecordPatchSchema, table.tableFieldsSchema]);
const permanentSchema = z.object({ success: z.literal(true) });
const restoredSchema = z.object({ success: z.literal(true), record: table.tableRecordSchema });

const recordAnswer = { schema: table.tableRecordSchema, example: recordExample } as const;
const batchAnswer = (example: unknown) => ({
  description: 'What was done. `records` when `returnRecords` asks for them.',
  schema: table.tableBatchResultSchema,
  example,
});
const TAGGED = ['ETag', 'X-Event-Position', 'X-Object-Version'] as const;
const NOT_MODIFIED = {
  description: 'The caller has this answer: its `ETag` is the one that was sent as `If-None-Match`.',
} as const;
const WHOLE = 'All of them or none; a refusal names the row, as `/records/3/fields/total`.';
const TOKEN =
  'With `updatedAt`, the one that was read, the write is refused with 409 when the record has another one by now.';
const ROW_CODES = ['NOT_FOUND', 'CONFLICT'] as const;
const UPDATED_AT = '2026-04-05T11:00:00.000Z';
const ORDER = { customer: 'Jansen', status: 'new', total: 40 };

/** `/api/tables/{table}/records` and below. */
export const TABLE_OPERATIONS = [
  {
    ...shared,
    id: 'listRecords',
    method: 'GET',
    path: COLLECTION,
    summary: 'List records',
    description:
      'A page of the records that the caller may read, with the fields that it may read. Subscribe from `position` and ' +
      'nothing that happens after this answer is missed. `createdAt`, `updatedAt` and `id` may be filtered and sorted by.',
    authentication: 'optional',
    parameters: [
      tableName,
      { ...PARAMETERS.limit, name: NAMES.limit },
      { ...PARAMETERS.offset, name: NAMES.offset },
      {
        name: NAMES.page,
        in: 'query',
        schema: z.int().min(1),
        description: 'The page, counted from 1. Passed over beside `offset`.',
        example: 1,
      },
      {
        name: NAMES.sort,
        in: 'query',
        schema: z.string(),
        description: 'Up to five fields with `asc` or `desc`. Otherwise in the order of creation.',
        example: 'status:asc,total:desc',
      },
      {
        name: NAMES.order,
        in: 'query',
        schema: z.enum(['asc', 'desc']).default('asc'),
        description: 'The direction of those fields of `sort` that have none.',
        example: 'desc',
      },
      {
        name: NAMES.search,
        in: 'query',
        schema: z.string().max(200),
        description: 'Text that any text field contains.',
        example: 'jansen',
      },
      { ...PARAMETERS.fields, name: NAMES.fields, example: 'status,total' },
      {
        name: NAMES.updatedSince,
        in: 'query',
        schema: z.string().max(4096),
        description:
          'Polls: only what changed after this time (RFC 3339), in the order of the change. Or the `next` of the last ' +
          'answer: exactly what it did not include, at once while it has `more`. Takes no `sort`, `order`, `offset` or `page`.',
        example: '2026-04-05T12:00:00.000Z',
      },
      {
        name: NAMES.includeDeleted,
        in: 'query',
        schema: z.boolean().default(false),
        description:
          'Polls: deleted records that the caller could see come as `{id, updatedAt, deleted: true}`.',
        example: true,
      },
      PARAMETERS.ifNoneMatch,
      {
        name: NAMES.filter,
        in: 'query',
        schema: z.string().max(4096),
        description:
          '`field:value`, `field:operator:value`, or JSON: `{"field","operator","value"}`, `{"and":[…]}`, `{"or":[…]}`, ' +
          'nested if need be. Operators: `equals` (`eq`), `notEquals` (`neq`), `greaterThan` (`gt`), `greaterThanOrEqual` ' +
          '(`gte`), `lessThan` (`lt`), `lessThanOrEqual` (`lte`), `in`, `notIn`, `contains`, `startsWith`, `endsWith`, ' +
          '`isEmpty`, `isNotEmpty`, `isNull`, `isNotNull`, `isTrue`, `isFalse`.',
        example: '{"and":[{"field":"status","operator":"equals","value":"processing"}]}',
      },
      {
        name: NAMES.organisation,
        in: 'query',
        schema: uuidSchema,
        description: 'For administrators: the records of this organisation only.',
        example: '0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa',
      },
    ],
    answers: {
      200: {
        description: 'A page of records.',
        schema: table.tableRecordListSchema,
        example: listExample,
        headers: ['ETag', 'X-Event-Position'],
      },
      304: { ...NOT_MODIFIED, headers: ['ETag', 'X-Event-Position'] },
    },
    errors: ['NOT_FOUND', 'UNKNOWN_FIELD', 'MALFORMED_FILTER', 'PAYLOAD_TOO_LARGE'],
  },
  {
    ...shared,
    id: 'createRecord',
    method: 'POST',
    path: COLLECTION,
    summary: 'Create a record',
    description: '`{fields}`, or the values themselves. Fields that are absent get their default.',
    authentication: 'required',
    parameters: [tableName],
    body: { schema: newRecordSchema, example: { fields: ORDER } },
    answers: { 201: { ...recordAnswer, description: 'The record.', headers: ['Location'] } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'getRecord',
    method: 'GET',
    path: ITEM,
    summary: 'Read a record',
    authentication: 'optional',
    parameters: [...item, PARAMETERS.ifNoneMatch],
    answers: {
      200: { ...recordAnswer, description: 'The record.', headers: TAGGED },
      304: { ...NOT_MODIFIED, headers: TAGGED },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeRecord',
    method: 'PATCH',
    path: ITEM,
    summary: 'Change a record',
    description: `\`{fields, updatedAt?}\`, or the values with \`updatedAt\` beside them; \`null\` clears a field. ${TOKEN}`,
    authentication: 'required',
    parameters: [...item, PARAMETERS.ifMatch],
    body: {
      schema: patchSchema,
      example: { fields: { status: 'shipped' }, updatedAt: UPDATED_AT },
      mediaTypes: ['application/json', 'application/merge-patch+json'],
    },
    answers: { 200: { ...recordAnswer, description: 'The record as it is now.' } },
    errors: [...ROW_CODES, 'STALE_VERSION'],
  },
  {
    ...shared,
    id: 'deleteRecord',
    method: 'DELETE',
    path: ITEM,
    summary: 'Delete a record',
    description: 'It can be restored for a time, unless `permanent` is true.',
    authentication: 'required',
    parameters: [
      ...item,
      PARAMETERS.ifMatch,
      {
        name: NAMES.permanent,
        in: 'query',
        schema: z.boolean().default(false),
        description: 'Whether nothing is left to restore.',
        example: true,
      },
    ],
    answers: {
      200: {
        description: 'It is deleted for good.',
        schema: permanentSchema,
        example: { success: true },
      },
      204: { description: 'It is deleted.' },
    },
    errors: ['NOT_FOUND', 'STALE_VERSION'],
  },
  {
    ...shared,
    id: 'restoreRecord',
    method: 'POST',
    path: `${ITEM}/restore`,
    summary: 'Restore a deleted record',
    description: 'As it was: for whoever may delete it and may create such a record.',
    authentication: 'required',
    parameters: item,
    answers: {
      200: {
        description: 'The record, in its place again.',
        schema: restoredSchema,
        example: { success: true, record: recordExample },
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'createRecords',
    method: 'POST',
    path: BATCH,
    summary: 'Create many records',
    description: `Up to ${LIST_LIMITS.maxLimit}. ${WHOLE}`,
    authentication: 'required',
    parameters: [tableName],
    body: { schema: table.tableBatchCreateSchema, example: { records: [{ fields: ORDER }] } },
    answers: { 201: batchAnswer({ created: 1 }) },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeRecords',
    method: 'PATCH',
    path: BATCH,
    summary: 'Change many records',
    description: `Up to ${table.TABLE_LIMITS.maxChanges}, none of them twice. ${WHOLE} ${TOKEN}`,
    authentication: 'required',
    parameters: [tableName],
    body: {
      schema: table.tableBatchPatchSchema,
      example: { records: [{ id: ID, fields: { status: 'shipped' }, updatedAt: UPDATED_AT }] },
    },
    answers: { 200: batchAnswer({ updated: 1 }) },
    errors: ROW_CODES,
  },
  ...(['DELETE', 'POST'] as const).map(
    (method) =>
      ({
        ...shared,
        id: method === 'DELETE' ? 'deleteRecords' : 'deleteRecordsByPost',
        method,
        path: method === 'DELETE' ? BATCH : `${BATCH}/delete`,
        summary: 'Delete many records',
        description: `Up to ${table.TABLE_LIMITS.maxChanges}. ${WHOLE}`,
        authentication: 'required',
        parameters: [tableName],
        body: { schema: table.tableBatchDeleteSchema, example: { ids: [ID] } },
        answers: { 200: batchAnswer({ deleted: 1 }) },
        errors: ['NOT_FOUND'],
      }) as const,
  ),
  {
    ...shared,
    id: 'restoreRecords',
    method: 'POST',
    path: `${BATCH}/restore`,
    summary: 'Restore many records',
    description: `Up to ${table.TABLE_LIMITS.maxChanges}. ${WHOLE}`,
    authentication: 'required',
    parameters: [tableName],
    body: { schema: table.tableBatchRestoreSchema, example: { ids: [ID] } },
    answers: { 200: batchAnswer({ success: true, restored: 1 }) },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'upsertRecords',
    method: 'POST',
    path: `${COLLECTION}/upsert`,
    summary: 'Change or create records by key',
    description:
      `Up to ${table.TABLE_LIMITS.maxChanges}. A record of the organisation written to that has these values in ` +
      '`fieldsToMergeOn`, and that the caller may read, is changed; where there is none, one is created. Of two requests ' +
      `with the same key at the same time, one creates and the other changes. ${WHOLE} ${TOKEN}`,
    authentication: 'required',
    parameters: [tableName],
    body: {
      schema: table.tableUpsertSchema,
      example: { records: [{ fields: { sku: 'BOLT-8', stock: 1200 } }], fieldsToMergeOn: ['sku'] },
    },
    answers: { 200: batchAnswer(batchExample) },
    errors: ['NOT_FOUND', 'CONFLICT', 'UNKNOWN_FIELD'],
  },
] as const satisfies readonly Operation[];
