import type { SocketMessage } from '@tidewire/test-kit';
import type { Finding } from '../finding.ts';
import { sortText, tableFilter } from '../table-face.ts';
import type { Ticket } from '../tickets.ts';
import type { StreamListener, StreamRequest } from '../transport.ts';
import type { FilterTerm } from '../filter.ts';
import type { Random } from '../random.ts';
import { SharedSocket } from './shared-socket.ts';
import type { Renewal, SharedSocketOptions } from './shared-socket.ts';
import { tableOf, tableQuery } from './table-poll.ts';

const GLOBAL_PATH = '/api/realtime/subscribe';

/** The WebSockets of all clients. Those of one principal share theirs, while there is room. */
export class Sockets {
  /** Told of what is of no subscription. */
  readonly listeners: ((socket: SharedSocket, message: SocketMessage) => void)[] = [];
  readonly #onFinding: (finding: Finding) => void;
  readonly #sockets = new Set<SharedSocket>();
  #opened = 0;

  constructor(onFinding: (finding: Finding) => void) {
    this.#onFinding = onFinding;
  }

  /** The gateway of the socket that one more subscription would go to. */
  place(ticket: Ticket, cursor: string | undefined): string | undefined {
    return this.#find(ticket, cursor)?.options.base;
  }

  /** Subscribes on a socket that is there, or a new one. Returns how to unsubscribe. */
  join(asked: StreamRequest, listener: StreamListener): () => void {
    const known = this.#find(asked.ticket, asked.cursor);
    const socket =
      known?.options.base === asked.base
        ? known
        : this.#create(asked, { path: GLOBAL_PATH, headers: asked.ticket.headers, hasCursor: false });
    const name = socket.freeName();
    if (name === undefined) throw new Error('a socket is full that was found to have room');
    socket.add(name, handshakeOf(asked), listener);
    return () => socket.remove(listener);
  }

  /** Opens a socket of a table's own, which others may join. Returns how to unsubscribe. */
  openTable(asked: StreamRequest, listener: StreamListener): () => void {
    const { cursor, cursorInHeader, ticket, interest } = asked;
    const { table } = tableOf(interest);
    const query = new URLSearchParams();
    for (const [name, value] of tableQuery(interest)) query.set(name, value);
    if (cursor !== undefined && !cursorInHeader) query.set('lastEventId', cursor);
    const headers = {
      ...ticket.headers,
      ...(cursor !== undefined && cursorInHeader ? { 'last-event-id': cursor } : {}),
    };
    const path = `/api/tables/${table}/subscribe?${query.toString()}`;
    const place = { path, headers, hasCursor: cursor !== undefined };
    const socket = this.#create(asked, place, { name: table, listener });
    return () => socket.remove(listener);
  }

  /** Breaks the connection of some. Returns how many these are. */
  cut(random: Random, probability: number): number {
    const chosen = random.some([...this.#sockets], probability);
    for (const socket of chosen) socket.cut();
    return chosen.length;
  }

  /** Those that are open, or about to be. */
  all(): readonly SharedSocket[] {
    return [...this.#sockets];
  }

  /** By what they live. */
  credentials(): ReadonlySet<string | null> {
    return new Set([...this.#sockets].map(({ ticket }) => ticket.credential));
  }

  /** Those that live by one credential of a principal go on by another one, if they may. */
  async renew({ credential }: Ticket, ticket: Ticket): Promise<Renewal[]> {
    const concerned = [...this.#sockets].filter((socket) => socket.ticket.credential === credential);
    return await Promise.all(concerned.map((socket) => socket.renew(ticket)));
  }

  #find(ticket: Ticket, cursor: string | undefined): SharedSocket | undefined {
    const { principal, credential } = ticket;
    return [...this.#sockets].find(
      (socket) =>
        socket.ticket.principal === principal &&
        socket.ticket.credential === credential &&
        // The cursor of its address would be that of who has none.
        (cursor !== undefined || !socket.options.hasCursor) &&
        socket.hasRoom,
    );
  }

  #create(
    { base, ticket }: StreamRequest,
    place: Pick<SharedSocketOptions, 'path' | 'headers' | 'hasCursor'>,
    first?: { readonly name: string; readonly listener: StreamListener },
  ): SharedSocket {
    this.#opened += 1;
    const socket: SharedSocket = new SharedSocket(
      {
        ...place,
        base,
        ticket,
        compressed: this.#opened % 2 === 0,
        onFinding: this.#onFinding,
        onMessage: (one, message) => this.listeners.forEach((listen) => listen(one, message)),
        onEnd: () => this.#sockets.delete(socket),
      },
      first,
    );
    this.#sockets.add(socket);
    return socket;
  }
}

/** What a client says to subscribe on a socket that is there. */
function handshakeOf({ interest, cursor }: StreamRequest): object {
  const { table, topics, filter, fields, events, order } = interest;
  const common = {
    ...(cursor === undefined ? {} : { lastEventId: cursor }),
    ...(fields === undefined ? {} : { fields: [...fields] }),
  };
  if (table !== undefined) {
    const text = tableFilter(table, filter);
    return {
      // `type` may be missing here.
      ...(filter.length === 1 ? {} : { type: 'subscribe' }),
      ...common,
      table: table.table,
      ...(text === '' ? {} : { filter: text.startsWith('{') ? (JSON.parse(text) as object) : text }),
      ...(order === undefined ? {} : { sort: sortText(order) }),
    };
  }
  return {
    type: 'subscribe',
    ...common,
    topic: topics[0],
    ...(filter.length === 0 ? {} : { filter: topicFilter(filter) }),
    ...(events === undefined ? {} : { events: [...events] }),
  };
}

/** A filter of topics in a message: conditions by field. */
export function topicFilter(filter: readonly FilterTerm[]): Record<string, Record<string, string>> {
  const conditions: Record<string, Record<string, string>> = {};
  for (const { field, operator, values } of filter) {
    conditions[field] = { ...conditions[field], [operator]: values.join(',') };
  }
  return conditions;
}
