import { GRAPHQL_PATHS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { EventStream } from './transport-event-stream.ts';
import type { StreamBlock } from './transport-event-stream.ts';
import { GraphqlReader, fullRequest, inlineRequest } from './transport-graphql.ts';
import { readRefusal } from './transport-refusal.ts';
import { renewStream } from './transport-sse.ts';
import { Account } from './transport.ts';
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
  hasCloseCodes: false,
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
  const { base, place, check } = order;
  const account = new Account();
  const reader = new GraphqlReader(account, place, check);
  const stream = await openRequest(order);
  const connection = String(stream.headers['tidewire-connection'] ?? '');
  if (stream.status !== 200) {
    account.refusal = readRefusal(check, stream.status, await stream.text(), stream.headers['retry-after']);
  } else {
    let begun = false;
    let isOver = false;
    if (connection !== '') reader.begin();
    stream.read(
      (block) => {
        begun = true;
        take(reader, block, check);
      },
      () => {
        isOver = true;
        // It may have said why.
        if (account.live && connection !== '') account.end = { code: undefined, reconnect: true };
      },
    );
    await waitFor(() => (begun && connection !== '') || !account.live || isOver, {
      what: 'the stream begins',
      timeoutMs: 10_000,
    });
    if (account.live && connection === '') {
      // An EventSource would stay closed after anything else: an empty stream says "come again".
      account.refusal = { status: 503, code: 'SERVICE_UNAVAILABLE', message: '', retryAfter: undefined };
    }
  }
  return {
    account,
    connection,
    renew: (token) => renewStream(base, connection, token),
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

function take(reader: GraphqlReader, { id, event, data }: StreamBlock, check: Order['check']): void {
  const { account } = reader;
  if (data === undefined) {
    account.cursor = id ?? account.cursor;
  } else if (event === 'next') {
    reader.next(JSON.parse(data), id);
  } else if (event === 'complete' && data === '') {
    reader.complete();
  } else {
    check.faults.push(`${event} is fatal to clients: ${data}`);
  }
}
