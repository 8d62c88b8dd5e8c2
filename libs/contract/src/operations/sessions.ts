import { principalIdSchema, uuidSchema } from '../identifier.ts';
import { loginSchema, newPasswordSchema, sessionPageSchema } from '../session.ts';
import { pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'credentials', authentication: 'required' } as const;
const id = '6b0c7e1a-2f43-4b8e-9d15-7a3c5e9f0b24';

const principalParameter = [
  {
    name: 'id',
    in: 'path',
    schema: principalIdSchema,
    description: 'Id of the principal.',
    example: 'alice',
  },
] as const;

/** Log in, stay logged in, log out: `/api/auth/login`, `/api/auth/session`, `/api/auth/sessions`, and passwords. */
export const SESSION_OPERATIONS = [
  {
    ...shared,
    authentication: 'none',
    id: 'login',
    method: 'POST',
    path: '/api/auth/login',
    summary: 'Log in with a password',
    description:
      'Opens a session, which the answer sets as a cookie that scripts cannot read. An unknown name and a wrong password are ' +
      'refused alike. After too many failures from one address the answer is 429; other addresses are not concerned.',
    body: { schema: loginSchema, example: { username: 'alice', password: 'correct horse battery staple' } },
    answers: { 204: { description: 'Logged in.', headers: ['Set-Cookie'] } },
    errors: ['UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMITED'],
  },
  {
    ...shared,
    authentication: 'none',
    id: 'logout',
    method: 'POST',
    path: '/api/auth/logout',
    summary: 'Log out',
    description:
      'Ends the session of the cookie, with its streams, and clears the cookie. Without a session it does nothing.',
    answers: { 204: { description: 'Logged out.', headers: ['Set-Cookie'] } },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'rotateSession',
    method: 'POST',
    path: '/api/auth/session/rotate',
    summary: 'Exchange the secret of a session',
    description:
      'The session goes on, and so do its streams. The secret from before works for 30 s more; who comes with it later ' +
      'ends the session, because it was stolen from one of the two.',
    answers: { 204: { description: 'The cookie has another secret.', headers: ['Set-Cookie'] } },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'listSessions',
    method: 'GET',
    path: '/api/auth/sessions',
    summary: 'List sessions',
    description: "Those in force: the caller's own, or for administrators everybody's.",
    parameters: [
      PARAMETERS.limit,
      PARAMETERS.offset,
      {
        name: 'principal',
        in: 'query',
        schema: principalIdSchema,
        description: 'Only the sessions of this principal.',
        example: 'alice',
      },
    ],
    answers: {
      200: {
        description: 'A page of sessions.',
        schema: sessionPageSchema,
        example: pageExample({
          id,
          principal: 'alice',
          current: true,
          createdAt: '2026-03-21T08:00:00.000Z',
          lastUsedAt: '2026-03-21T11:00:00.000Z',
          expiresAt: '2026-03-21T23:00:00.000Z',
          latestEnd: '2026-03-28T08:00:00.000Z',
          address: '198.51.100.7',
        }),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'endSession',
    method: 'DELETE',
    path: '/api/auth/sessions/{id}',
    summary: 'End a session',
    description: 'Streams that were opened with it end.',
    parameters: [
      { name: 'id', in: 'path', schema: uuidSchema, description: 'Id of the session.', example: id },
    ],
    answers: { 204: { description: 'It has ended.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'endSessions',
    method: 'DELETE',
    path: '/api/auth/sessions',
    summary: 'End all sessions of a principal',
    description:
      "The caller's own but for the one of this request, or for administrators all of somebody else's.",
    parameters: [
      {
        name: 'principal',
        in: 'query',
        schema: principalIdSchema,
        description: 'Whose; absent: the caller’s.',
        example: 'alice',
      },
    ],
    answers: { 204: { description: 'They have ended.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'setPassword',
    method: 'PUT',
    path: '/api/principals/{id}/password',
    summary: 'Set a password',
    description:
      "One's own with the current one, or for administrators anybody else's. All other sessions of the principal end, and " +
      'their streams; API tokens go on.',
    parameters: principalParameter,
    body: {
      schema: newPasswordSchema,
      example: { password: 'correct horse battery staple', currentPassword: 'tr0ub4dor&3 of before' },
    },
    answers: { 204: { description: 'It is set.' } },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'RATE_LIMITED'],
  },
  {
    ...shared,
    id: 'removePassword',
    method: 'DELETE',
    path: '/api/principals/{id}/password',
    summary: 'Remove a password',
    description: 'For administrators. Nobody logs in with it any more; all sessions of the principal end.',
    parameters: principalParameter,
    answers: { 204: { description: 'There is none.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
