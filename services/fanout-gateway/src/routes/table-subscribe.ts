import { QUERY_PARAMETERS, TABLE_QUERY_PARAMETERS, TidewireError } from '@tidewire/contract';
import { isWebSocketUpgrade } from '@tidewire/service-kit';
import type { HttpReply, HttpRequest, HttpServer } from '@tidewire/service-kit';
import type { StreamOpener, Wanted } from '../transports/stream-opener.ts';
import { cursorOf, openSocket, openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { onlyValue } from './poll-query.ts';
import { parseFields, readQuery, unknownParameter } from './subscription-query.ts';
import type { QueryEntries } from './subscription-query.ts';
import { wantsEventStream } from './transient-answer.ts';

export interface TableSubscribeRouteOptions extends StreamRouteOptions {
  readonly opener: Pick<StreamOpener, 'check'>;
}

const { filter, fields, sort } = TABLE_QUERY_PARAMETERS;
const KNOWN: readonly string[] = [filter, fields, sort, QUERY_PARAMETERS.lastEventId, QUERY_PARAMETERS.token];

/**
 * `GET /api/tables/{table}/subscribe`: the changes of a table, over a WebSocket that begins without any message of the
 * client, or as Server-Sent Events for who accepts them; `…/subscribe/sse`: as Server-Sent Events.
 */
export function registerTableSubscribeRoutes(app: HttpServer, options: TableSubscribeRouteOptions): void {
  app.get('/api/tables/:table/subscribe', {
    ...streamRoute(options),
    handler: (request, reply) => subscribe(request, reply, options, wantsEventStream(request)),
  });
  app.get('/api/tables/:table/subscribe/sse', {
    ...streamRoute(options),
    handler: (request, reply) => subscribe(request, reply, options, true),
  });
}

async function subscribe(
  request: HttpRequest,
  reply: HttpReply,
  options: TableSubscribeRouteOptions,
  asEventStream: boolean,
): Promise<void> {
  await openStream(request, reply, options, async (place) => {
    const query = readQuery(request.url);
    const wanted = parseWish(tableOf(request), query);
    const cursor = cursorOf(request, query.values(QUERY_PARAMETERS.lastEventId)[0]);
    if (isWebSocketUpgrade(request.raw)) {
      // What can be refused is refused before the upgrade; its first subscription is made after it.
      options.opener.check(wanted, place.admission.reader);
      await openSocket(request, place, options, { cursor, first: { wanted } });
      return;
    }
    if (!asEventStream) {
      throw new TidewireError('BAD_REQUEST', 'Ask for a WebSocket (Upgrade), or accept text/event-stream');
    }
    await options.sse.open({ ...place, wanted, cursor });
  });
}

function tableOf({ params }: HttpRequest): string {
  return (params as { readonly table: string }).table;
}

/** @throws TidewireError BAD_REQUEST */
function parseWish(table: string, query: QueryEntries): Wanted {
  const unknown = query.entries.find(([name]) => !KNOWN.includes(name.replace(/\[\]$/, '')));
  if (unknown !== undefined) throw unknownParameter(unknown[0], KNOWN);
  return {
    from: table,
    wish: {
      filter: onlyValue(query, filter) ?? '',
      fields: parseFields(fields, query.values(fields)),
      sort: onlyValue(query, sort),
    },
    actions: undefined,
  };
}
