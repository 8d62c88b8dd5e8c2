import {
  newRegisterSchema,
  registerListSchema,
  registerPatchSchema,
  registerViewSchema,
} from '../definition.ts';
import { REGISTER_EXAMPLE } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'records', tag: 'registers', authentication: 'required' } as const;
const one = { schema: registerViewSchema, example: REGISTER_EXAMPLE } as const;

/** `/api/registers`. */
export const REGISTER_OPERATIONS = [
  {
    ...shared,
    id: 'listRegisters',
    method: 'GET',
    path: '/api/registers',
    summary: 'List registers',
    description: 'Those that the caller may read something of.',
    answers: {
      200: {
        description: 'All of them.',
        schema: registerListSchema,
        example: { results: [REGISTER_EXAMPLE], total: 1 },
      },
    },
  },
  {
    ...shared,
    id: 'createRegister',
    method: 'POST',
    path: '/api/registers',
    summary: 'Create a register',
    description:
      'For administrators. The rules come with it: `authorization` for all its schemas that have none of their own, and ' +
      '`roles` that those may refer to.',
    body: { schema: newRegisterSchema, example: { slug: 'library', title: 'Library' } },
    answers: { 201: { ...one, description: 'The register.', headers: ['Location'] } },
    errors: ['SLUG_RESERVED'],
  },
  {
    ...shared,
    id: 'getRegister',
    method: 'GET',
    path: '/api/registers/{register}',
    summary: 'Read a register',
    parameters: [PARAMETERS.register],
    answers: { 200: { ...one, description: 'The register; its rules only for administrators.' } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeRegister',
    method: 'PATCH',
    path: '/api/registers/{register}',
    summary: 'Change a register',
    description: 'For administrators. What is absent stays; `authorization: null` takes the rules away.',
    parameters: [PARAMETERS.register],
    body: { schema: registerPatchSchema, example: { title: 'The library' } },
    answers: { 200: { ...one, description: 'The register as it is now.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'deleteRegister',
    method: 'DELETE',
    path: '/api/registers/{register}',
    summary: 'Delete a register',
    description: 'For administrators. Its schemas and objects go with it, and its slug stays reserved.',
    parameters: [PARAMETERS.register],
    answers: { 204: { description: 'It is deleted.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
] as const satisfies readonly Operation[];
