import {
  newOrganisationSchema,
  organisationPageSchema,
  organisationPatchSchema,
  organisationViewSchema,
  principalViewSchema,
} from '../directory.ts';
import { uuidSchema } from '../identifier.ts';
import { ORGANISATION_EXAMPLE, PRINCIPAL_EXAMPLE, TOWN, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'organisations', authentication: 'required' } as const;
const one = { schema: organisationViewSchema, example: ORGANISATION_EXAMPLE } as const;
const item = [
  { name: 'uuid', in: 'path', schema: uuidSchema, description: 'UUID of the organisation.', example: TOWN },
] as const;

/** `/api/organisations`. */
export const ORGANISATION_OPERATIONS = [
  {
    ...shared,
    id: 'listOrganisations',
    method: 'GET',
    path: '/api/organisations',
    summary: 'List organisations',
    description: "All for an administrator; the caller's own and those above them for others.",
    parameters: [PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of organisations.',
        schema: organisationPageSchema,
        example: pageExample(ORGANISATION_EXAMPLE),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN'],
  },
  {
    ...shared,
    id: 'createOrganisation',
    method: 'POST',
    path: '/api/organisations',
    summary: 'Create an organisation',
    description:
      'For administrators. Members of an organisation read what its `parent` and those above hold.',
    body: { schema: newOrganisationSchema, example: { slug: 'town-c', name: 'Town C' } },
    answers: { 201: { ...one, description: 'The organisation.' } },
    errors: ['NOT_FOUND', 'CONFLICT', 'SLUG_RESERVED'],
  },
  {
    ...shared,
    id: 'getOrganisation',
    method: 'GET',
    path: '/api/organisations/{uuid}',
    summary: 'Read an organisation',
    parameters: item,
    answers: { 200: { ...one, description: 'The organisation.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeOrganisation',
    method: 'PATCH',
    path: '/api/organisations/{uuid}',
    summary: 'Rename or move an organisation',
    description: 'For administrators. An organisation never stands above itself.',
    parameters: item,
    body: { schema: organisationPatchSchema, example: { name: 'Town A and surroundings' } },
    answers: { 200: { ...one, description: 'The organisation as it is now.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'setActiveOrganisation',
    method: 'POST',
    path: '/api/organisations/{uuid}/set-active',
    summary: 'Act for an organisation',
    description: "One of the caller's own, from now on and with every credential.",
    parameters: item,
    answers: {
      200: {
        description: 'The caller as it is now.',
        schema: principalViewSchema,
        example: PRINCIPAL_EXAMPLE,
      },
    },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND', 'CONFLICT'],
  },
] as const satisfies readonly Operation[];
