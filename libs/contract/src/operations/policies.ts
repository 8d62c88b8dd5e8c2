import policyPreviewExample from '../../examples/policy-preview.json' with { type: 'json' };
import { policyContentSchema, policyPageSchema, policyTargetSchema, policyViewSchema } from '../directory.ts';
import { z } from 'zod';
import { uuidSchema } from '../identifier.ts';
import { policyPreviewSchema, previewActionSchema } from '../policy-preview.ts';
import { POLICY_EXAMPLE, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'policies', authentication: 'required' } as const;
const target = {
  name: 'target',
  schema: policyTargetSchema,
  description: 'What the rules are about.',
  example: 'schema',
} as const;
const item = [
  { ...target, in: 'path' },
  {
    name: 'id',
    in: 'path',
    schema: uuidSchema,
    description: 'UUID of the register or schema.',
    example: POLICY_EXAMPLE.id,
  },
] as const;
const ITEM = '/api/policies/{target}/{id}';
const one = { schema: policyViewSchema, example: POLICY_EXAMPLE } as const;
const { authorization, properties } = POLICY_EXAMPLE;

/** `/api/policies`. */
export const POLICY_OPERATIONS = [
  {
    ...shared,
    id: 'listPolicies',
    method: 'GET',
    path: '/api/policies',
    summary: 'List policies',
    description: 'For administrators.',
    parameters: [{ ...target, in: 'query' }, PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of policies.',
        schema: policyPageSchema,
        example: pageExample(POLICY_EXAMPLE),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN'],
  },
  {
    ...shared,
    id: 'getPolicy',
    method: 'GET',
    path: ITEM,
    summary: 'Read a policy',
    description: 'For administrators.',
    parameters: item,
    answers: { 200: { ...one, description: 'The rules.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'setPolicy',
    method: 'PUT',
    path: ITEM,
    summary: 'Set a policy',
    description:
      'For administrators. Replaces all rules of the register or schema; they govern every write that begins after the ' +
      'answer, and open streams are told. Rules that name a property that the schema does not have, or none of the ' +
      'schemas of the register, are refused. With `dryRun` nothing is written: the answer says who would gain and lose ' +
      'which rows and properties, at most 1,000 principals and 5 seconds of them.',
    parameters: [
      ...item,
      {
        name: 'dryRun',
        in: 'query',
        schema: z.boolean(),
        description: 'Whether only to say what the policy would change.',
        example: true,
      },
      {
        name: 'action',
        in: 'query',
        schema: previewActionSchema,
        description: 'With `dryRun`: for doing what with rows. `read` when absent.',
        example: 'read',
      },
    ],
    body: { schema: policyContentSchema, example: { authorization, properties } },
    answers: {
      200: {
        description: 'The rules as they are now; with `dryRun` what they would change.',
        schema: z.union([policyViewSchema, policyPreviewSchema]),
        example: policyPreviewExample,
      },
    },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'removePolicy',
    method: 'DELETE',
    path: ITEM,
    summary: 'Remove a policy',
    description: 'For administrators. What has no rules is for the members of its organisation.',
    parameters: item,
    answers: { 204: { description: 'There are no rules any more.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND', 'CONFLICT'],
  },
] as const satisfies readonly Operation[];
