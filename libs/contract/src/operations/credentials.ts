import { principalIdSchema, uuidSchema } from '../identifier.ts';
import { callerSchema, createdTokenSchema, newTokenSchema, tokenPageSchema } from '../token.ts';
import { PRINCIPAL_EXAMPLE, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'credentials', authentication: 'required' } as const;
const id = '0d6f2c1b-4a53-4a9d-8f0e-6b1c2d3e4f50';
const token = {
  id,
  principal: 'alice',
  name: 'dashboard',
  scopes: { actions: ['read', 'list'] },
  createdAt: '2026-03-21T11:00:00.000Z',
  expiresAt: null,
};

/** `/api/auth`: who one is, and tokens. */
export const CREDENTIAL_OPERATIONS = [
  {
    ...shared,
    id: 'getCaller',
    method: 'GET',
    path: '/api/auth/me',
    summary: 'Who the caller is',
    answers: {
      200: {
        description: 'Principal and credential.',
        schema: callerSchema,
        example: {
          principal: PRINCIPAL_EXAMPLE,
          credential: { id, type: 'token', principal: 'alice', scopes: null, expiresAt: null },
        },
      },
    },
  },
  {
    ...shared,
    id: 'createToken',
    method: 'POST',
    path: '/api/auth/tokens',
    summary: 'Create a token',
    description:
      "The caller's own, or for administrators anybody's. `scopes` limit it to actions or topics; a limited token makes no " +
      'other tokens, and neither does the access token of an issuer.',
    body: { schema: newTokenSchema, example: { name: 'dashboard', scopes: { actions: ['read', 'list'] } } },
    answers: {
      201: {
        description: 'The token. Its secret is in this answer and nowhere else.',
        schema: createdTokenSchema,
        example: { ...token, token: 'tw_2kq8d0x1n7v5s3c9b4m6z' },
      },
    },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'listTokens',
    method: 'GET',
    path: '/api/auth/tokens',
    summary: 'List tokens',
    description: "Without their secrets: the caller's own, or for administrators everybody's.",
    parameters: [
      PARAMETERS.limit,
      PARAMETERS.offset,
      {
        name: 'principal',
        in: 'query',
        schema: principalIdSchema,
        description: 'Only the tokens of this principal.',
        example: 'alice',
      },
    ],
    answers: {
      200: {
        description: 'A page of tokens.',
        schema: tokenPageSchema,
        example: pageExample({
          ...token,
          prefix: 'tw_2kq8',
          endedAt: null,
          lastUsedAt: '2026-03-21T11:30:00.000Z',
        }),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'revokeToken',
    method: 'DELETE',
    path: '/api/auth/tokens/{id}',
    summary: 'Revoke a token',
    description: 'Streams that were opened with it end.',
    parameters: [
      {
        name: 'id',
        in: 'path',
        schema: uuidSchema,
        description: 'Id of the token, not its secret.',
        example: id,
      },
    ],
    answers: { 204: { description: 'It is revoked.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
