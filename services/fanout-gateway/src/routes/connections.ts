import {
  TidewireError,
  connectionEndQuerySchema,
  connectionPageSchema,
  connectionQuerySchema,
  connectionsEndedSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { ConnectionFilter, ConnectionPage, ConnectionsEnded } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isAdministrator } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { parseInput } from '@tidewire/service-kit';
import type { HttpRequest, HttpServer, Logger } from '@tidewire/service-kit';
import type { Connections } from '../connections/connections.ts';
import { admitRequest } from './admit-request.ts';
import type { AdmitRequestOptions } from './admit-request.ts';

export interface ConnectionsRouteOptions extends Omit<AdmitRequestOptions, 'anonymousStreams'> {
  readonly connections: Connections;
  readonly view: () => RightsView;
  /** @throws TidewireError while nothing is known of anybody's rights. */
  readonly requireRights: () => void;
  readonly logger: Logger;
}

const route = { config: { authentication: 'none' } } as const;

/**
 * `/api/connections`, for administrators: who is being told of changes now, on all gateways, and the end of it; and
 * `POST /api/realtime/connections/{id}/token`, by which a stream goes on with the credential of that request.
 */
export function registerConnectionsRoutes(app: HttpServer, options: ConnectionsRouteOptions): void {
  const { connections, logger } = options;

  app.get('/api/connections', {
    ...route,
    exposeHeadRoute: false,
    schema: { response: { 200: connectionPageSchema } },
    handler: (request): Promise<ConnectionPage> =>
      asAdministrator(request, options, async () => {
        const {
          limit,
          cursor,
          token: _token,
          ...filter
        } = parseInput(connectionQuerySchema, request.query, 'query');
        return await connections.list(named(filter), { limit, ...(cursor !== undefined && { cursor }) });
      }),
  });

  app.delete('/api/connections', {
    ...route,
    schema: { response: { 200: connectionsEndedSchema } },
    handler: (request): Promise<ConnectionsEnded> =>
      asAdministrator(request, options, async ({ principalId }) => {
        const { token: _token, ...filter } = parseInput(connectionEndQuerySchema, request.query, 'query');
        const answer = await connections.end(named(filter));
        logger.info('connections ended', { principal: principalId, count: answer.ended });
        return answer;
      }),
  });

  app.delete('/api/connections/:id', {
    ...route,
    handler: async (request, reply) => {
      await asAdministrator(request, options, async ({ principalId }) => {
        const id = parseId(request);
        await connections.endOne(id);
        logger.info('connection ended', { principal: principalId, connectionId: id });
      });
      return await reply.code(204).send();
    },
  });

  app.post('/api/realtime/connections/:id/token', {
    ...route,
    handler: async (request, reply) => {
      await asCaller(request, options, async (reader) => await connections.renew(parseId(request), reader));
      return await reply.code(204).send();
    },
  });
}

/** Runs as whoever the request's credential says. @throws TidewireError UNAUTHORIZED, FORBIDDEN for a foreign page. */
async function asCaller<T>(
  request: HttpRequest,
  options: ConnectionsRouteOptions,
  act: (reader: Reader) => Promise<T>,
): Promise<T> {
  options.requireRights();
  const use = request.method === 'GET' ? 'stream' : 'write';
  const admission = await admitRequest(request.raw, { ...options, anonymousStreams: false }, use);
  try {
    return await act(admission.reader);
  } finally {
    admission.release();
  }
}

/** Nobody else learns anything here, not even what a well-formed request would look like. */
async function asAdministrator<T>(
  request: HttpRequest,
  options: ConnectionsRouteOptions,
  act: (reader: Reader) => Promise<T>,
): Promise<T> {
  return await asCaller(request, options, async (reader) => {
    if (!isAdministrator(options.view(), reader)) {
      throw new TidewireError('FORBIDDEN', 'Only administrators see and end connections');
    }
    return await act(reader);
  });
}

/** Nothing else is an id of a connection, so that there is none. */
function parseId({ params }: HttpRequest): string {
  const result = uuidSchema.safeParse((params as { readonly id?: unknown }).id);
  if (!result.success) throw new TidewireError('NOT_FOUND', 'There is no such connection');
  return result.data;
}

/** Without the members that were not given. */
function named(filter: { readonly [Name in keyof ConnectionFilter]: string | undefined }): ConnectionFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
