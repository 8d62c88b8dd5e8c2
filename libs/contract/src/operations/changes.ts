import notificationListExample from '../../examples/notification-list.json' with { type: 'json' };
import pushChangesExample from '../../examples/push-changes.json' with { type: 'json' };
import { z } from 'zod';
import { eventIdSchema } from '../event-id.ts';
import { notificationAnswerSchema, notificationListSchema, ocsDoneSchema } from '../notification.ts';
import { PUSH_PATHS, pushChangesSchema, pushCookieSchema } from '../push.ts';
import type { Operation, OperationParameter } from './operation.ts';

const shared = { service: 'push-notifier', tag: 'push', authentication: 'required' } as const;

const id = {
  name: 'id',
  in: 'path',
  schema: z.string().regex(/^[1-9]\d{0,15}$/),
  description: '`notification_id` of the list.',
  example: '17',
} as const satisfies OperationParameter;

const META = { status: 'ok', statuscode: 200, message: 'OK' } as const;
const done = { description: 'Done.', schema: ocsDoneSchema, example: { ocs: { meta: META, data: [] } } };
const notifications = { ...shared, path: PUSH_PATHS.notifications } as const;
const notification = { ...shared, path: `${PUSH_PATHS.notifications}/{id}`, parameters: [id] } as const;

/** What changed while nobody looked. */
export const CHANGE_OPERATIONS = [
  {
    ...shared,
    id: 'listChanges',
    method: 'GET',
    path: PUSH_PATHS.changes,
    summary: 'List what changed since the last time',
    description:
      'Topics under which something changed that the caller may see, or could until then: each once, with its newest change. Never ' +
      'what changed. Whoever asks is followed from then on, whether connected or not.',
    parameters: [
      {
        name: 'since',
        in: 'query',
        schema: eventIdSchema,
        description: '`lastEventId` of the answer before; absent: everything that is remembered.',
        example: 'evt-mwrd70tk-000000000041',
      },
    ],
    answers: {
      200: { description: 'What changed.', schema: pushChangesSchema, example: pushChangesExample },
    },
  },
  {
    ...notifications,
    id: 'listNotifications',
    method: 'GET',
    summary: 'List notifications as Nextcloud does',
    description:
      'One for each topic under which something changed since the caller dealt with it. For clients that know Nextcloud’s ' +
      'notifications app; they may send a user name with a password or a token (`Basic`).',
    parameters: [
      {
        name: 'If-None-Match',
        in: 'header',
        schema: z.string(),
        description: '`ETag` of the list that the client has.',
        example: '"hN3rPzqz3nqkYbqk"',
      },
    ],
    answers: {
      200: { description: 'Them.', schema: notificationListSchema, example: notificationListExample },
      304: { description: 'They are those that the client has.' },
    },
  },
  {
    ...notification,
    id: 'getNotification',
    method: 'GET',
    summary: 'Read a notification',
    answers: {
      200: {
        description: 'It.',
        schema: notificationAnswerSchema,
        example: { ocs: { meta: META, data: notificationListExample.ocs.data[0] } },
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...notification,
    id: 'dismissNotification',
    method: 'DELETE',
    summary: 'Deal with a notification',
    description: 'It is not listed any more. The next change of its topic is another one.',
    answers: { 200: done },
    errors: ['NOT_FOUND'],
  },
  {
    ...notifications,
    id: 'dismissNotifications',
    method: 'DELETE',
    summary: 'Deal with all notifications',
    answers: { 200: done },
  },
  {
    ...shared,
    id: 'resetPushSockets',
    method: 'POST',
    path: PUSH_PATHS.reset,
    summary: 'Close every push socket',
    description:
      'For administrators: the sockets of all notifiers are closed, and their clients connect anew.',
    answers: { 202: { description: 'Every notifier that is there was told.' } },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'getTestCookie',
    method: 'GET',
    path: PUSH_PATHS.testCookie,
    summary: 'Read the number that this notifier heard last',
    description: 'For administrators. notify_push’s own self-test: 0 before it heard one.',
    answers: { 200: { description: 'The number.', mediaType: 'text/plain', example: '4711' } },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'setTestCookie',
    method: 'POST',
    path: PUSH_PATHS.testCookie,
    summary: 'Tell every notifier a number',
    description:
      'For administrators: a notifier that does not have it a moment later does not hear the others.',
    body: { schema: pushCookieSchema, example: { cookie: 4711 } },
    answers: { 202: { description: 'They were told.' } },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'getTestReverseCookie',
    method: 'GET',
    path: PUSH_PATHS.testReverseCookie,
    summary: 'Read the number by way of authz',
    description: 'For administrators: 503 when authz does not answer the notifier.',
    answers: { 200: { description: 'The number.', mediaType: 'text/plain', example: '4711' } },
    errors: ['FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'getTestRemote',
    method: 'GET',
    path: PUSH_PATHS.testRemote,
    summary: 'See which address a request is taken to come from',
    description:
      'For administrators: the address of a request that came this way with `X-Forwarded-For: {ip}`. The same address, when the ' +
      'proxies in front are trusted; that of the last one that is not, otherwise.',
    parameters: [
      {
        name: 'ip',
        in: 'path',
        schema: z.string().regex(/^[\dA-Fa-f.:]{2,45}$/),
        description: 'An address of a client.',
        example: '198.51.100.7',
      },
    ],
    answers: { 200: { description: 'The address.', mediaType: 'text/plain', example: '198.51.100.7' } },
    errors: ['FORBIDDEN'],
  },
] as const satisfies readonly Operation[];
