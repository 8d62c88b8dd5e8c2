import {
  newSchemaSchema,
  referenceSchema,
  schemaListSchema,
  schemaPatchSchema,
  schemaViewSchema,
} from '../definition.ts';
import { SCHEMA_EXAMPLE } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'records', tag: 'schemas', authentication: 'required' } as const;
const one = { schema: schemaViewSchema, example: SCHEMA_EXAMPLE } as const;
const item = [
  {
    ...PARAMETERS.schema,
    description: 'UUID of the schema, slug of its table, or its slug where that is unique.',
  },
] as const;

/** `/api/schemas`. */
export const SCHEMA_OPERATIONS = [
  {
    ...shared,
    id: 'listSchemas',
    method: 'GET',
    path: '/api/schemas',
    summary: 'List schemas',
    description: 'Those that the caller may read something of.',
    parameters: [
      {
        name: 'register',
        in: 'query',
        schema: referenceSchema,
        description: 'Only those of this register.',
        example: 'meldingen-register',
      },
    ],
    answers: {
      200: {
        description: 'All of them.',
        schema: schemaListSchema,
        example: { results: [SCHEMA_EXAMPLE], total: 1 },
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'createSchema',
    method: 'POST',
    path: '/api/schemas',
    summary: 'Create a schema',
    description:
      'For administrators. Properties are described by JSON Schema keywords; keywords that are not checked are refused. ' +
      'Rules may stand beside them as `authorization`, of the schema and of each property. The schema is a table at once.',
    body: {
      schema: newSchemaSchema,
      example: {
        register: 'library',
        slug: 'books',
        title: 'Books',
        properties: { title: { type: 'string' }, year: { type: 'integer' } },
        required: ['title'],
      },
    },
    answers: { 201: { ...one, description: 'The schema.', headers: ['Location'] } },
    errors: ['NOT_FOUND', 'SLUG_RESERVED'],
  },
  {
    ...shared,
    id: 'getSchema',
    method: 'GET',
    path: '/api/schemas/{schema}',
    summary: 'Read a schema',
    parameters: item,
    answers: { 200: { ...one, description: 'The schema; its rules only for administrators.' } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeSchema',
    method: 'PATCH',
    path: '/api/schemas/{schema}',
    summary: 'Change a schema',
    description:
      'For administrators. Properties are added or redefined one by one, and none is taken away; the type of a property ' +
      'never changes.',
    parameters: item,
    body: { schema: schemaPatchSchema, example: { properties: { isbn: { type: 'string', maxLength: 17 } } } },
    answers: { 200: { ...one, description: 'The schema as it is now.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'deleteSchema',
    method: 'DELETE',
    path: '/api/schemas/{schema}',
    summary: 'Delete a schema',
    description: 'For administrators. Its objects go with it, and its slug stays reserved.',
    parameters: item,
    answers: { 204: { description: 'It is deleted.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
] as const satisfies readonly Operation[];
