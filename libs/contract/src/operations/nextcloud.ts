import { principalIdSchema } from '../identifier.ts';
import { NEXTCLOUD_PATH, newNextcloudUserSchema, nextcloudUserSchema } from '../nextcloud.ts';
import type { NextcloudUser } from '../nextcloud.ts';
import type { Operation } from './operation.ts';

const shared = {
  service: 'push-notifier',
  tag: 'push',
  authentication: 'required',
  path: NEXTCLOUD_PATH,
  parameters: [
    {
      name: 'principal',
      in: 'path',
      schema: principalIdSchema,
      description: 'Oneself; an administrator may name anybody.',
      example: 'alice',
    },
  ],
  errors: ['FORBIDDEN', 'NOT_FOUND'],
} as const;

const USER: NextcloudUser = { principal: 'alice', user: 'alice@town.example' };
const answer = { schema: nextcloudUserSchema, example: USER } as const;

/** Who is told in an existing Nextcloud, by its own notify_push. */
export const NEXTCLOUD_OPERATIONS = [
  {
    ...shared,
    id: 'getNextcloudUser',
    method: 'GET',
    summary: 'Read who a principal is in the Nextcloud',
    description: '`NOT_FOUND`: it is nobody there, or this installation passes nothing on to a Nextcloud.',
    answers: { 200: { ...answer, description: 'Who it is there.' } },
  },
  {
    ...shared,
    id: 'setNextcloudUser',
    method: 'PUT',
    summary: 'Have a principal told in the Nextcloud',
    description:
      'From then on its clients of that Nextcloud are told by notify_push what clients of `/push/ws` are told here. Not with a ' +
      'limited credential, nor with an access token of an issuer. `CONFLICT`: somebody else is that user.',
    body: { schema: newNextcloudUserSchema, example: { user: USER.user }, required: false },
    answers: { 200: { ...answer, description: 'Who it is there.' } },
    errors: [...shared.errors, 'CONFLICT'],
  },
  {
    ...shared,
    id: 'removeNextcloudUser',
    method: 'DELETE',
    summary: 'Have a principal not told in the Nextcloud any more',
    answers: { 204: { description: 'It is nobody there any more.' } },
  },
] as const satisfies readonly Operation[];
