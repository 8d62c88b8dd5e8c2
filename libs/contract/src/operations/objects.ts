import { z } from 'zod';
import objectListExample from '../../examples/object-list.json' with { type: 'json' };
import objectExample from '../../examples/object.json' with { type: 'json' };
import { jsonValueSchema } from '../catalogue.ts';
import { uuidSchema } from '../identifier.ts';
import {
  QUERY_PARAMETERS,
  newOwnerSchema,
  objectListSchema,
  objectSchema,
  writtenObjectSchema,
} from '../object.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'records', tag: 'objects' } as const;
const collection = [PARAMETERS.register, PARAMETERS.schema] as const;
const item = [...collection, PARAMETERS.uuid] as const;
const COLLECTION = '/api/objects/{register}/{schema}';
const ITEM = '/api/objects/{register}/{schema}/{uuid}';

/** Properties of an object as its schema describes them; members of a GET may be sent back and are passed over. */
export const objectBodySchema = z.record(z.string(), jsonValueSchema);

const objectAnswer = {
  schema: objectSchema,
  example: objectExample,
  headers: ['X-Object-Version'],
} as const;

const writtenAnswer = { ...objectAnswer, schema: writtenObjectSchema } as const;

const NOT_MODIFIED = {
  description: 'The caller has this answer: its `ETag` is the one that was sent as `If-None-Match`.',
  headers: ['ETag', 'X-Event-Position'],
} as const;

const CONDITION =
  'With `If-Match`, or with `_version` in the body, the write is refused with 412 when the object has another version.';

/** `/api/objects/{register}/{schema}` and below. */
export const OBJECT_OPERATIONS = [
  {
    ...shared,
    id: 'listObjects',
    method: 'GET',
    path: COLLECTION,
    summary: 'List objects',
    description:
      'A page of the objects that the caller may read, with the properties that it may read. Subscribe from `_position` ' +
      'and nothing that happens after this answer is missed.',
    authentication: 'optional',
    parameters: [
      ...collection,
      PARAMETERS.filter,
      {
        name: QUERY_PARAMETERS.search,
        in: 'query',
        schema: z.string().max(200),
        description: 'Text that any string property contains.',
        example: 'tegel',
      },
      {
        name: QUERY_PARAMETERS.order,
        in: 'query',
        style: 'deepObject',
        schema: z.record(z.string(), z.enum(['asc', 'desc'])),
        description: '`_order[field]=asc` or `desc`; up to five, in their order. Otherwise by `_created`.',
        example: { _created: 'desc' },
      },
      PARAMETERS.fields,
      {
        name: QUERY_PARAMETERS.updatedSince,
        in: 'query',
        schema: z.string().max(4096),
        description:
          'Polls: only what changed after this time (RFC 3339), in the order of the change. Or the `_next` of the last ' +
          'answer: exactly what it did not include, at once while it has `_more`. Takes no `_order`, `_offset` or `_page`.',
        example: '2026-03-21T12:00:00.000Z',
      },
      {
        name: QUERY_PARAMETERS.includeDeleted,
        in: 'query',
        schema: z.boolean().default(false),
        description:
          'Polls: deleted objects that the caller could see come as `{id, _version, _updated, _deleted: true}`.',
        example: true,
      },
      PARAMETERS.ifNoneMatch,
      PARAMETERS.limit,
      PARAMETERS.offset,
      {
        name: QUERY_PARAMETERS.page,
        in: 'query',
        schema: z.int().min(1),
        description: 'The page, counted from 1. Passed over beside `_offset`.',
        example: 1,
      },
      {
        name: QUERY_PARAMETERS.organisation,
        in: 'query',
        schema: uuidSchema,
        description: 'For administrators: the objects of this organisation only.',
        example: '0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa',
      },
    ],
    answers: {
      200: {
        description: 'A page of objects.',
        schema: objectListSchema,
        example: objectListExample,
        headers: ['ETag', 'X-Event-Position'],
      },
      304: NOT_MODIFIED,
    },
    errors: ['NOT_FOUND', 'UNKNOWN_FIELD', 'MALFORMED_FILTER', 'PAYLOAD_TOO_LARGE'],
  },
  {
    ...shared,
    id: 'createObject',
    method: 'POST',
    path: COLLECTION,
    summary: 'Create an object',
    description: 'Properties that are absent get the `default` of their schema.',
    authentication: 'required',
    parameters: collection,
    body: { schema: objectBodySchema, example: { titel: 'Losse tegel', status: 'nieuw' } },
    answers: {
      201: { ...writtenAnswer, description: 'The object.', headers: ['Location', 'X-Object-Version'] },
    },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'getObject',
    method: 'GET',
    path: ITEM,
    summary: 'Read an object',
    authentication: 'optional',
    parameters: [...item, PARAMETERS.ifNoneMatch],
    answers: {
      200: {
        ...objectAnswer,
        description: 'The object.',
        headers: ['ETag', 'X-Event-Position', 'X-Object-Version'],
      },
      304: { ...NOT_MODIFIED, headers: ['ETag', 'X-Event-Position', 'X-Object-Version'] },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'replaceObject',
    method: 'PUT',
    path: ITEM,
    summary: 'Replace an object',
    description: `Replaces all properties that the caller may read; the others stay. ${CONDITION}`,
    authentication: 'required',
    parameters: [...item, PARAMETERS.ifMatch],
    body: { schema: objectBodySchema, example: { titel: 'Losse tegel', status: 'in behandeling' } },
    answers: { 200: { ...writtenAnswer, description: 'The object as it is now.' } },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'STALE_VERSION'],
  },
  {
    ...shared,
    id: 'changeObject',
    method: 'PATCH',
    path: ITEM,
    summary: 'Change an object',
    description: `JSON Merge Patch (RFC 7396): what is sent is set, \`null\` removes, the rest stays. ${CONDITION}`,
    authentication: 'required',
    parameters: [...item, PARAMETERS.ifMatch],
    body: {
      schema: objectBodySchema,
      example: { status: 'in behandeling', _version: 1 },
      mediaTypes: ['application/json', 'application/merge-patch+json'],
    },
    answers: { 200: { ...writtenAnswer, description: 'The object as it is now.' } },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'STALE_VERSION'],
  },
  {
    ...shared,
    id: 'deleteObject',
    method: 'DELETE',
    path: ITEM,
    summary: 'Delete an object',
    description:
      'It can be restored for a while. Refused with 412 when `If-Match` or `_version` names another version than the object has.',
    authentication: 'required',
    parameters: [
      ...item,
      PARAMETERS.ifMatch,
      {
        name: '_version',
        in: 'query',
        schema: z.int().min(1),
        description: 'The version that was read, for those who cannot set headers.',
        example: 3,
      },
      {
        name: QUERY_PARAMETERS.permanent,
        in: 'query',
        schema: z.boolean().default(false),
        description: 'Nothing is left to restore.',
        example: true,
      },
    ],
    answers: { 204: { description: 'It is deleted.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND', 'STALE_VERSION'],
  },
  {
    ...shared,
    id: 'setObjectOwner',
    method: 'PUT',
    path: `${ITEM}/owner`,
    summary: "Change an object's owner",
    description:
      'For administrators. The new owner passes the rules of rows on it, the old one does not any more; whoever that takes it ' +
      `from sees it leave. That there is such a principal is not checked. ${CONDITION}`,
    authentication: 'required',
    parameters: [...item, PARAMETERS.ifMatch],
    body: { schema: newOwnerSchema, example: { owner: 'bob' } },
    answers: { 200: { ...writtenAnswer, description: 'The object as it is now.' } },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'STALE_VERSION'],
  },
] as const satisfies readonly Operation[];
