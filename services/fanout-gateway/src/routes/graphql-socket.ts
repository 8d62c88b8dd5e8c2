import { QUERY_PARAMETERS } from '@tidewire/contract';
import { readCredential } from '@tidewire/service-kit';
import type { HttpReply, HttpRequest } from '@tidewire/service-kit';
import type { GraphqlSockets } from '../graphql/graphql-sockets.ts';
import { admitRequest } from './admit-request.ts';
import { cursorOf } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { onlyValue } from './poll-query.ts';
import { readQuery, unknownParameter } from './subscription-query.ts';

export interface GraphqlSocketRouteOptions extends StreamRouteOptions {
  readonly graphqlSockets: GraphqlSockets;
}

/** What the socket's address takes; its operations come in messages. */
const PARAMETERS: readonly string[] = [QUERY_PARAMETERS.lastEventId, QUERY_PARAMETERS.token];

/**
 * How a request for a WebSocket of GraphQL is answered. A credential that it carries is looked at before the upgrade; without
 * one, `connection_init` has to carry it.
 *
 * @throws TidewireError before anything was sent.
 */
export function createGraphqlSocketOpener(
  options: GraphqlSocketRouteOptions,
): (request: HttpRequest, reply: HttpReply) => Promise<void> {
  return async (request, reply) => {
    options.requireReady();
    const query = readQuery(request.url);
    const unknown = query.entries.find(([name]) => !PARAMETERS.includes(name));
    if (unknown !== undefined) throw unknownParameter(unknown[0], PARAMETERS);
    const cursor = cursorOf(request, onlyValue(query, QUERY_PARAMETERS.lastEventId));
    const admission =
      readCredential(request.raw) === undefined
        ? undefined
        : await admitRequest(request.raw, options, 'socket');
    try {
      await options.graphqlSockets.accept({
        request: request.raw,
        response: reply.raw,
        correlationId: request.correlationId,
        admission,
        address: options.addressOf(request.raw),
        cursor,
      });
    } catch (error) {
      admission?.release();
      throw error;
    }
    reply.hijack();
  };
}
