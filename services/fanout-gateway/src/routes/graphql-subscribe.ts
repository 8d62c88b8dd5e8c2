import { GRAPHQL_PATHS } from '@tidewire/contract';
import type { GraphqlErrorEntry, GraphqlOperation } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import { isWebSocketUpgrade, toTidewireError } from '@tidewire/service-kit';
import type { HttpReply, HttpRequest, HttpServer } from '@tidewire/service-kit';
import { COMPLETED, formatRefusal } from '../formats/graphql-sse.ts';
import { toEntry } from '../graphql/operation.ts';
import type { ReadOperation } from '../rights/read-operation.ts';
import { SSE_MEDIA_TYPE } from '../transports/sse.ts';
import type { SsePlace } from '../transports/sse-streams.ts';
import { readOperationRequest } from './graphql-request.ts';
import { cursorOf, openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';

export interface GraphqlSubscribeRouteOptions extends StreamRouteOptions {
  /** Reads an operation for whoever asks. */
  readonly readOperation: (reader: Reader, operation: GraphqlOperation) => ReadOperation;
  /** Hands a request for a WebSocket over. */
  readonly openGraphqlSocket: (request: HttpRequest, reply: HttpReply) => Promise<void>;
}

/**
 * `GET` and `POST /api/graphql/subscriptions`: one subscription over Server-Sent Events, in the distinct connections mode of
 * GraphQL over SSE: what is wrong with the operation is said in the stream. On Upgrade, GraphQL over WebSocket.
 */
export function registerGraphqlSubscribeRoute(app: HttpServer, options: GraphqlSubscribeRouteOptions): void {
  const handler = async (request: HttpRequest, reply: HttpReply): Promise<void> => {
    if (isWebSocketUpgrade(request.raw)) return await options.openGraphqlSocket(request, reply);
    // An EventSource that was not closed after `complete`: nothing else stops it (WHATWG HTML 9.2).
    if (cursorOf(request, undefined) === COMPLETED) return void reply.code(204).send();
    await openStream(request, reply, options, (place) => subscribe(request, options, place));
  };
  app.get(GRAPHQL_PATHS.subscriptions, { ...streamRoute(options), handler });
  app.post(GRAPHQL_PATHS.subscriptions, { ...streamRoute(options), handler });
}

async function subscribe(
  request: HttpRequest,
  { sse, readOperation, onRefusal }: GraphqlSubscribeRouteOptions,
  place: SsePlace,
): Promise<void> {
  const { operation, lastEventId } = readOperationRequest(request.method, request.url, request.body);
  const read = readOperation(place.admission.reader, operation);
  if (!read.ok) {
    onRefusal('BAD_REQUEST');
    refuse(place, read.errors.map(toEntry));
    return;
  }
  const cursor = cursorOf(request, lastEventId);
  try {
    await sse.open({ ...place, wanted: read.wanted, cursor });
  } catch (error) {
    const { code, message, status } = toTidewireError(error);
    // What the operation is refused for is said in the stream; what the connection is, before it.
    if (status === 401 || status === 429 || status >= 500) throw error;
    onRefusal(code);
    refuse(place, [{ message, extensions: { code } }]);
  }
}

/** An answer that is over when it begins. Owns the admission. */
function refuse({ response, admission }: SsePlace, errors: readonly GraphqlErrorEntry[]): void {
  admission.release();
  response.writeHead(200, {
    'content-type': SSE_MEDIA_TYPE,
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  response.end(formatRefusal(errors));
}
