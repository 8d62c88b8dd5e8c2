import type { z } from 'zod';
import connectionPageExample from '../../examples/connection-page.json' with { type: 'json' };
import connectionsEndedExample from '../../examples/connections-ended.json' with { type: 'json' };
import {
  connectionFilterSchema,
  connectionPageSchema,
  connectionQuerySchema,
  connectionsEndedSchema,
} from '../connection.ts';
import { uuidSchema } from '../identifier.ts';
import type { Operation, OperationParameter } from './operation.ts';

const shared = { service: 'fanout-gateway', tag: 'connections', authentication: 'required' } as const;

const id = {
  name: 'id',
  in: 'path',
  schema: uuidSchema,
  description: 'What the header `Tidewire-Connection` said when the connection was opened.',
  example: '7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77',
} as const satisfies OperationParameter;

function optional(
  name: string,
  schema: z.ZodType,
  description: string,
  example: unknown,
): OperationParameter {
  return { name, in: 'query', schema, description, example };
}

const { principal, credential, organisation, address } = connectionFilterSchema.shape;
const FILTER: readonly OperationParameter[] = [
  optional('principal', principal.unwrap(), 'Only connections of this principal.', 'alice'),
  optional(
    'credential',
    credential.unwrap(),
    'Only connections that were opened, or last renewed, with this credential.',
    '0d6f2c1b-4a53-4a9d-8f0e-6b1c2d3e4f50',
  ),
  optional(
    'organisation',
    organisation.unwrap(),
    'Only connections of principals that act for this organisation now.',
    '0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa',
  ),
  optional('address', address.unwrap(), 'Only connections from this address.', '198.51.100.7'),
];

/** `/api/connections`, and the renewal of one's own connection. */
export const CONNECTION_OPERATIONS = [
  {
    ...shared,
    id: 'listConnections',
    method: 'GET',
    path: '/api/connections',
    summary: 'List open connections',
    description:
      'For administrators: the streams and waiting polls of all gateways. `incomplete` says that a gateway did not answer ' +
      'in time, so that its connections are missing.',
    parameters: [
      ...FILTER,
      {
        name: 'limit',
        in: 'query',
        schema: connectionQuerySchema.shape.limit,
        description:
          'How many connections a page has at most; one page may have fewer and still not be the last.',
        example: 100,
      },
      {
        name: 'cursor',
        in: 'query',
        schema: uuidSchema,
        description: '`next` of the page before.',
        example: '7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77',
      },
    ],
    answers: {
      200: {
        description: 'A page of connections, in the order of their ids.',
        schema: connectionPageSchema,
        example: connectionPageExample,
      },
    },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'endConnections',
    method: 'DELETE',
    path: '/api/connections',
    summary: 'End connections',
    description:
      'For administrators: ends every connection that has all that is named; at least one of the parameters is needed. Clients ' +
      'are told not to come back. Whoever still has a valid credential may open another connection: revoke the credential ' +
      'first to keep it out.',
    parameters: FILTER,
    answers: {
      200: {
        description: 'How many were ended, over the gateways that answered.',
        schema: connectionsEndedSchema,
        example: connectionsEndedExample,
      },
    },
  },
  {
    ...shared,
    id: 'endConnection',
    method: 'DELETE',
    path: '/api/connections/{id}',
    summary: 'End a connection',
    description: 'For administrators.',
    parameters: [id],
    answers: { 204: { description: 'It is ended.' } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'renewConnection',
    method: 'POST',
    path: '/api/realtime/connections/{id}/token',
    summary: 'Renew the credential of a connection',
    description:
      'The credential of this request takes the place of the one that the stream was opened with; both are of the same ' +
      'principal, and a stream of another one is answered as one that is not there. The stream goes on. Where the new ' +
      'credential sees more or less than the old one, it is told to fetch again. A credential that may not read what the ' +
      'stream is subscribed to is refused, and the stream keeps the old one.',
    parameters: [id],
    answers: { 204: { description: 'The stream lives by the credential of this request.' } },
    errors: ['FORBIDDEN', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
