import {
  newPrincipalSchema,
  principalPageSchema,
  principalPatchSchema,
  principalViewSchema,
} from '../directory.ts';
import { principalIdSchema } from '../identifier.ts';
import { PRINCIPAL_EXAMPLE, TOWN, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'principals', authentication: 'required' } as const;
const one = { schema: principalViewSchema, example: PRINCIPAL_EXAMPLE } as const;
const item = [
  {
    name: 'id',
    in: 'path',
    schema: principalIdSchema,
    description: 'Id of the principal.',
    example: 'alice',
  },
] as const;

/** `/api/principals`. */
export const PRINCIPAL_OPERATIONS = [
  {
    ...shared,
    id: 'listPrincipals',
    method: 'GET',
    path: '/api/principals',
    summary: 'List principals',
    description: 'All for an administrator, oneself for others.',
    parameters: [PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of principals.',
        schema: principalPageSchema,
        example: pageExample(PRINCIPAL_EXAMPLE),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN'],
  },
  {
    ...shared,
    id: 'createPrincipal',
    method: 'POST',
    path: '/api/principals',
    summary: 'Create a principal',
    description: 'For administrators.',
    body: {
      schema: newPrincipalSchema,
      example: { id: 'dana', name: 'Dana', organisations: [TOWN], activeOrganisation: TOWN },
    },
    answers: { 201: { ...one, description: 'The principal.' } },
    errors: ['CONFLICT'],
  },
  {
    ...shared,
    id: 'getPrincipal',
    method: 'GET',
    path: '/api/principals/{id}',
    summary: 'Read a principal',
    description: 'Anybody for an administrator, oneself for others.',
    parameters: item,
    answers: { 200: { ...one, description: 'The principal.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changePrincipal',
    method: 'PATCH',
    path: '/api/principals/{id}',
    summary: 'Change a principal',
    description:
      'For administrators. Lists replace. What the principal may see changes at once, in open streams too.',
    parameters: item,
    body: {
      schema: principalPatchSchema,
      example: { groups: [{ organisation: TOWN, group: 'behandelaars' }] },
    },
    answers: { 200: { ...one, description: 'The principal as it is now.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'deletePrincipal',
    method: 'DELETE',
    path: '/api/principals/{id}',
    summary: 'Remove a principal',
    description: 'For administrators. Memberships and tokens go with it, and its streams end.',
    parameters: item,
    answers: { 204: { description: 'It is removed.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND', 'CONFLICT'],
  },
] as const satisfies readonly Operation[];
