import type { Transport } from '../transport.ts';
import type { GraphqlConnections } from './graphql-connections.ts';
import { graphqlSse, graphqlSsePost } from './graphql-sse.ts';
import { longPoll } from './long-poll.ts';
import { natsTransports } from './nats.ts';
import type { NatsConnections } from './nats-connections.ts';
import type { Sockets } from './sockets.ts';
import { sse } from './sse.ts';
import { tablePoll } from './table-poll.ts';
import { tableSse } from './table-sse.ts';

const FAVOUR = 20;

/** Of a list of ways, with those by one name taken far more often. */
export function favouring(name: string | undefined, transports: readonly Transport[]): readonly Transport[] {
  const favoured = transports.filter((one) => one.name === name);
  return [...transports, ...Array.from({ length: FAVOUR }, () => favoured).flat()];
}

/** All ways to follow topics, tables and what GraphQL selects; those that are named more often are taken more often. */
export function transportsOn(
  sockets: Sockets,
  graphql: GraphqlConnections,
  nats: NatsConnections,
): readonly Transport[] {
  const socket: Transport = {
    name: 'socket',
    follows: ({ topics, alternatives }) => topics.length === 1 && alternatives === undefined,
    place: (ticket, cursor) => sockets.place(ticket, cursor),
    open: (asked, listener) => sockets.join(asked, listener),
  };
  const tableSocket: Transport = {
    name: 'table-socket',
    follows: ({ table }) => table !== undefined,
    open: (asked, listener) => sockets.openTable(asked, listener),
  };
  const ofTopics = [sse, sse, sse, longPoll, socket, socket, socket];
  const ofTables = [tableSocket, tableSse, tableSse, tablePoll];
  const shared = graphql.transports();
  const ofGraphql = [graphqlSse, graphqlSsePost, ...shared, ...shared];
  return [...ofTopics, ...ofTables, ...ofGraphql, ...natsTransports(nats)];
}
