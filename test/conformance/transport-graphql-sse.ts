import { GRAPHQL_PATHS } from '@tidewire/contract';
import { EventStream } from './transport-event-stream.ts';
import type { StreamBlock } from './transport-event-stream.ts';
import { GraphqlReader, fullRequest, inlineRequest } from './transport-graphql.ts';
import { COME_AGAIN, readRefusal } from './transport-refusal.ts';
import { renewStream } from './transport-sse.ts';
import type { Follower, Order, Transport } from './transport.ts';

/** GraphQL over SSE in its distinct connections mode: one subscription is one stream. */
export const graphqlSse: Transport = {
  name: 'GraphQL over SSE',
  face: 'graphql',
  kind: 'stream',
  open: openStream,
  host: undefined,
  talk: undefined,
  tellsOldValues: false,
  showsAllNames: true,
  tellsWhyToComeBack: false,
  closeCodeOf: undefined,
};

/** Whoever begins asks as an EventSource does; whoever comes back, as the library of the protocol. */
async function openRequest(order: Order): Promise<EventStream> {
  const { base, token, cursor } = order;
  const url = `${base}${GRAPHQL_PATHS.subscriptions}`;
  const headers = {
    accept: 'text/event-stream',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  if (cursor !== undefined) return await EventStream.open(url, headers, fullRequest(order));
  const query = new URLSearchParams({ query: inlineRequest(order).query });
  return await EventStream.open(`${url}?${query.toString()}`, headers);
}

async function openStream(order: Order): Promise<Follower> {
  const { base, check } = order;
  const reader = new GraphqlReader(order, check);
  const { account } = reader;
  const stream = await openRequest(order);
  const connection = String(stream.headers['tidewire-connection'] ?? '');
  if (stream.status !== 200) {
    const { 'retry-after': retryAfter } = stream.headers;
    account.refusal = readRefusal(check, stream.status, await stream.text(), retryAfter);
  } else {
    const hasConnection = connection !== '';
    stream.read(
      (block) => take(reader, block, { check, hasConnection }),
      () => {
        if (hasConnection) reader.close({ code: undefined, reconnect: true });
        // An EventSource would stay closed after anything else: an empty stream says "come again".
        else account.refusal ??= COME_AGAIN;
      },
    );
    await reader.untilBegun();
  }
  return {
    account,
    connection,
    renew: (token) => renewStream(base, connection, token),
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

/** What an operation is refused for is said in a stream that is none: it has no connection. */
function take(
  reader: GraphqlReader,
  { id, event, data }: StreamBlock,
  { check, hasConnection }: Pick<Order, 'check'> & { readonly hasConnection: boolean },
): void {
  if (hasConnection) reader.begin();
  if (data === undefined) {
    if (id !== undefined) reader.position(id);
  } else if (event === 'next') {
    reader.next(JSON.parse(data), id);
  } else if (event === 'complete' && data === '') {
    reader.complete();
  } else {
    check.faults.push(`${event} is fatal to clients: ${data}`);
  }
}
