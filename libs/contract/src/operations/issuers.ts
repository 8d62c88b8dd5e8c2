import { principalIdSchema, uuidSchema } from '../identifier.ts';
import {
  accessTokenPageSchema,
  issuerIdentityPageSchema,
  issuerPageSchema,
  issuerPatchSchema,
  issuerSchema,
  newIdentitySchema,
  newIssuerSchema,
} from '../issuer.ts';
import { TOWN, pageExample } from './example.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'authz', tag: 'issuers', authentication: 'required' } as const;
const ID = '2c9d7b1e-6f0a-4b3c-8d5e-1a2b3c4d5e6f';
const TOKEN = '9a7e5c31-2d4f-4e6a-8b0c-3f1d5e7a9b2c';
const PRINCIPAL = 'town-login-mfrggzdfmztwq2lknnwg';
const claims = {
  name: 'name',
  groups: { claim: '/realm_access/roles', map: { handler: { organisation: TOWN, group: 'behandelaars' } } },
};
const given = {
  slug: 'town-login',
  issuer: 'https://login.example.org/realms/town',
  audiences: ['https://tidewire.example.org'],
  organisations: [TOWN],
  claims,
};
const example = {
  ...given,
  id: ID,
  jwksUri: null,
  algorithms: ['RS256', 'ES256'],
  clockSkewMs: 30_000,
  maxTokenAgeMs: null,
  provisioning: 'create',
  version: 1,
};
const one = { schema: issuerSchema, example } as const;
const item = [
  { name: 'id', in: 'path', schema: uuidSchema, description: 'UUID of the issuer.', example: ID },
] as const;
const identity = [
  ...item,
  {
    name: 'principal',
    in: 'path',
    schema: principalIdSchema,
    description: 'Id of the principal.',
    example: 'alice',
  },
] as const;
const IDENTITY = '/api/issuers/{id}/identities/{principal}';

/** `/api/issuers`, and the access tokens that came from them. */
export const ISSUER_OPERATIONS = [
  {
    ...shared,
    id: 'listIssuers',
    method: 'GET',
    path: '/api/issuers',
    summary: 'List issuers',
    description: 'For administrators: whose access tokens are trusted, and for what.',
    parameters: [PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: { description: 'A page of issuers.', schema: issuerPageSchema, example: pageExample(example) },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN'],
  },
  {
    ...shared,
    id: 'createIssuer',
    method: 'POST',
    path: '/api/issuers',
    summary: 'Trust an issuer',
    description:
      'For administrators. `claims` maps values of claims to organisations and groups; what is not mapped gives nothing, ' +
      'and what is mapped must belong to one of `organisations`. Without `claims.organisation`, an issuer of one ' +
      'organisation places everybody there. `slug` and `issuer` never change.',
    body: { schema: newIssuerSchema, example: given },
    answers: { 201: { ...one, description: 'The issuer.' } },
    errors: ['CONFLICT', 'SLUG_RESERVED'],
  },
  {
    ...shared,
    id: 'getIssuer',
    method: 'GET',
    path: '/api/issuers/{id}',
    summary: 'Read an issuer',
    description: 'For administrators.',
    parameters: item,
    answers: { 200: { ...one, description: 'The issuer.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'changeIssuer',
    method: 'PATCH',
    path: '/api/issuers/{id}',
    summary: 'Change an issuer',
    description:
      'For administrators. Lists and `claims` replace. Access tokens of this issuer that were in use end, with their ' +
      'streams, and memberships that it cannot give any more are taken back: clients go on with a new token.',
    parameters: item,
    body: { schema: issuerPatchSchema, example: { algorithms: ['ES256'] } },
    answers: { 200: { ...one, description: 'The issuer as it is now.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'deleteIssuer',
    method: 'DELETE',
    path: '/api/issuers/{id}',
    summary: 'Stop trusting an issuer',
    description:
      'For administrators. Its access tokens end, with their streams, and all memberships that it gave are taken back. ' +
      'Its principals stay.',
    parameters: item,
    answers: { 204: { description: 'It is not trusted any more.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'listIdentities',
    method: 'GET',
    path: '/api/issuers/{id}/identities',
    summary: 'List the subjects of an issuer',
    description: 'For administrators: which principal each one is.',
    parameters: [...item, PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of identities.',
        schema: issuerIdentityPageSchema,
        example: pageExample({
          principal: PRINCIPAL,
          subject: '8f14e45f',
          provisioned: true,
          createdAt: '2026-03-21T11:00:00.000Z',
        }),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'linkIdentity',
    method: 'PUT',
    path: IDENTITY,
    summary: 'Link a subject to a principal',
    description:
      'For administrators. Tokens of this subject act as the principal from now on. An administrator cannot be linked.',
    parameters: identity,
    body: { schema: newIdentitySchema, example: { subject: '8f14e45f' } },
    answers: { 204: { description: 'It is linked.' } },
    errors: ['NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'unlinkIdentity',
    method: 'DELETE',
    path: IDENTITY,
    summary: 'Unlink a principal from an issuer',
    description:
      'For administrators. Its access tokens of this issuer end, and what the issuer gave it is taken back.',
    parameters: identity,
    answers: { 204: { description: 'It is not linked any more.' } },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'listAccessTokens',
    method: 'GET',
    path: '/api/auth/access-tokens',
    summary: 'List access tokens that were used',
    description: "The caller's own, or for administrators everybody's; never their text.",
    parameters: [
      PARAMETERS.limit,
      PARAMETERS.offset,
      {
        name: 'principal',
        in: 'query',
        schema: principalIdSchema,
        description: 'Only those of this principal.',
        example: PRINCIPAL,
      },
    ],
    answers: {
      200: {
        description: 'A page of access tokens.',
        schema: accessTokenPageSchema,
        example: pageExample({
          id: TOKEN,
          principal: PRINCIPAL,
          issuer: ID,
          createdAt: '2026-03-21T11:00:00.000Z',
          expiresAt: '2026-03-21T11:10:00.000Z',
          endedAt: null,
        }),
      },
    },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'revokeAccessToken',
    method: 'DELETE',
    path: '/api/auth/access-tokens/{id}',
    summary: 'Revoke an access token',
    description: 'It is refused from now on, and streams that were opened with it end.',
    parameters: [
      { name: 'id', in: 'path', schema: uuidSchema, description: 'Id of its credential.', example: TOKEN },
    ],
    answers: { 204: { description: 'It is revoked.' } },
    errors: ['VALIDATION_ERROR', 'FORBIDDEN', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
