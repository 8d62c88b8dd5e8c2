import { groupPageSchema } from '../directory.ts';
import { principalIdSchema, uuidSchema } from '../identifier.ts';
import { groupNameSchema } from '../name.ts';
import { TOWN, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'groups', authentication: 'required' } as const;
const organisation = {
  name: 'organisation',
  schema: uuidSchema,
  description: 'UUID of the organisation.',
  example: TOWN,
} as const;
const member = [
  { ...organisation, in: 'path' },
  {
    name: 'group',
    in: 'path',
    schema: groupNameSchema,
    description: 'Name of the group.',
    example: 'behandelaars',
  },
  {
    name: 'principal',
    in: 'path',
    schema: principalIdSchema,
    description: 'Id of the principal.',
    example: 'alice',
  },
] as const;
const MEMBER = '/api/groups/{organisation}/{group}/members/{principal}';

/** `/api/groups`. */
export const GROUP_OPERATIONS = [
  {
    ...shared,
    id: 'listGroups',
    method: 'GET',
    path: '/api/groups',
    summary: 'List groups',
    description: 'For administrators: the groups of an organisation with their members.',
    parameters: [{ ...organisation, in: 'query', required: true }, PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of groups.',
        schema: groupPageSchema,
        example: pageExample({ organisation: TOWN, group: 'behandelaars', members: ['alice'] }),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN'],
  },
  {
    ...shared,
    id: 'addGroupMember',
    method: 'PUT',
    path: MEMBER,
    summary: 'Add a member',
    description: 'For administrators. A group exists while it has members.',
    parameters: member,
    answers: { 204: { description: 'It is a member.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'removeGroupMember',
    method: 'DELETE',
    path: MEMBER,
    summary: 'Take a member out',
    description: 'For administrators.',
    parameters: member,
    answers: { 204: { description: 'It is no member any more.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
