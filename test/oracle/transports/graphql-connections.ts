import type { Finding } from '../finding.ts';
import type { Random } from '../random.ts';
import type { Ticket } from '../tickets.ts';
import type { StreamListener, StreamRequest, Transport } from '../transport.ts';
import { GraphqlConnection, isOf } from './graphql-connection.ts';
import type { OpenLink } from './graphql-link.ts';
import { operationOf, requestOf } from './graphql-sse.ts';
import { openGraphqlStream } from './graphql-stream.ts';
import { openGraphqlSocket } from './graphql-ws.ts';

/** Connections of GraphQL that have several operations each, of all clients. */
export class GraphqlConnections {
  readonly #onFinding: (finding: Finding) => void;
  readonly #gateways: readonly { readonly url: string }[];
  readonly #connections = new Set<GraphqlConnection>();
  #opened = 0;
  #quietPoints = 0;

  constructor(gateways: readonly { readonly url: string }[], onFinding: (finding: Finding) => void) {
    this.#gateways = gateways;
    this.#onFinding = onFinding;
  }

  /** Over WebSockets, and over streams of Server-Sent Events. */
  transports(): readonly Transport[] {
    return [
      this.#transport('graphql-ws', openGraphqlSocket, true),
      this.#transport('graphql-stream', openGraphqlStream, false),
    ];
  }

  /** Everybody has been told everything. */
  quiet(): void {
    this.#quietPoints += 1;
  }

  /** Breaks some. Returns how many these are. */
  cut(random: Random, probability: number): number {
    const chosen = random.some([...this.#connections], probability);
    for (const connection of chosen) connection.cut();
    return chosen.length;
  }

  #transport(name: string, open: OpenLink, takesCursor: boolean): Transport {
    return {
      name,
      follows: ({ graphql }) => graphql !== undefined,
      place: (ticket, cursor) => this.#find(open, ticket, cursor)?.options.base,
      open: (asked, listener) => this.#join(open, takesCursor, asked, listener),
    };
  }

  #join(open: OpenLink, takesCursor: boolean, asked: StreamRequest, listener: StreamListener): () => void {
    const { base, ticket, interest, cursor, cursorInHeader } = asked;
    const known = this.#find(open, ticket, cursor);
    const isShared = known?.options.base === base;
    // The cursor of its address would be that of who has none.
    const inAddress = !isShared && takesCursor && cursorInHeader;
    const connection = isShared ? known : this.#create(open, asked, inAddress ? cursor : undefined);
    connection.add(requestOf(operationOf(interest), inAddress ? undefined : cursor), listener);
    return () => connection.remove(listener);
  }

  #find(open: OpenLink, ticket: Ticket, cursor: string | undefined): GraphqlConnection | undefined {
    return [...this.#connections].find(
      (connection) =>
        connection.options.open === open &&
        isOf(connection, ticket) &&
        (cursor !== undefined || connection.options.cursor === undefined) &&
        connection.hasRoom,
    );
  }

  #create(open: OpenLink, { base, ticket }: StreamRequest, cursor: string | undefined): GraphqlConnection {
    this.#opened += 1;
    const elsewhere = this.#gateways[this.#opened % this.#gateways.length]?.url ?? base;
    const connection: GraphqlConnection = new GraphqlConnection({
      base,
      elsewhere,
      ticket,
      cursor,
      way: this.#opened,
      open,
      onFinding: this.#onFinding,
      quietPoints: () => this.#quietPoints,
      onEnd: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }
}
