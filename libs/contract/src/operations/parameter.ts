import { z } from 'zod';
import { referenceSchema } from '../definition.ts';
import { uuidSchema } from '../identifier.ts';
import { LIST_LIMITS, QUERY_PARAMETERS } from '../object.ts';
import type { OperationParameter } from './operation.ts';

/** Parameters that several operations have. */
export const PARAMETERS = Object.freeze({
  register: {
    name: 'register',
    in: 'path',
    schema: referenceSchema,
    description: 'Slug or UUID of the register.',
    example: 'meldingen-register',
  },
  schema: {
    name: 'schema',
    in: 'path',
    schema: referenceSchema,
    description: 'Slug or UUID of the schema.',
    example: 'meldingen',
  },
  uuid: {
    name: 'uuid',
    in: 'path',
    schema: uuidSchema,
    description: 'UUID of the object.',
    example: '550e8400-e29b-41d4-a716-446655440000',
  },
  limit: {
    name: QUERY_PARAMETERS.limit,
    in: 'query',
    schema: z.int().min(1).max(LIST_LIMITS.maxLimit).default(LIST_LIMITS.defaultLimit),
    description: 'How many results a page has at most.',
    example: 50,
  },
  offset: {
    name: QUERY_PARAMETERS.offset,
    in: 'query',
    schema: z.int().min(0).default(0),
    description: 'How many results are passed over.',
    example: 0,
  },
  fields: {
    name: QUERY_PARAMETERS.fields,
    in: 'query',
    schema: z.string(),
    description: 'Only these properties, separated by commas. System members always come.',
    example: 'titel,status',
  },
  filter: {
    name: QUERY_PARAMETERS.filter,
    in: 'query',
    style: 'deepObject',
    schema: z.record(z.string(), z.string()),
    description:
      'Conditions, all of which must hold: `filter[status]=nieuw`, or with an operator `filter[status][ne]=nieuw`. ' +
      '`status=nieuw` and `status[ne]=nieuw` mean the same where the name is no parameter. Operators: `eq`, `ne` (`!=`), ' +
      '`gt` (`>`), `gte` (`>=`), `lt` (`<`), `lte` (`<=`), `in`, `nin` (values separated by commas), `like` (`~`, ' +
      'contains), `^` (begins with), `$` (ends with), `exists`, `empty`, `null`.',
    example: { status: 'nieuw' },
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    schema: z.string(),
    description: 'The version that was read: the write is refused with 412 when the object has another one.',
    example: '"3"',
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    schema: z.string(),
    description: 'The `ETag` of an answer that the client has: answered 304 while it would be the same.',
    example: '"9b2f0c61d7e84a35"',
  },
} as const satisfies Record<string, OperationParameter>);
