import { GRAPHQL_PATHS, GRAPHQL_STREAM_TOKEN_HEADER } from '@tidewire/contract';
import { EventStream } from './transport-event-stream.ts';
import type { StreamBlock } from './transport-event-stream.ts';
import { GraphqlReader, fullRequest } from './transport-graphql.ts';
import { COME_AGAIN, readRefusal } from './transport-refusal.ts';
import { renewStream } from './transport-sse.ts';
import type { Followed, Guest, Host, Order, Refusal, Transport } from './transport.ts';

/** GraphQL over SSE in its single connection mode: one stream for all subscriptions, each of which is a request of its own. */
export const graphqlStream: Transport = {
  name: 'GraphQL over a shared SSE stream',
  face: 'graphql',
  kind: 'stream',
  open: openShared,
  host: openShared,
  talk: undefined,
  tellsOldValues: false,
  showsAllNames: true,
  tellsWhyToComeBack: false,
  closeCodeOf: undefined,
};

/** A position, which clients know no event for, and whose it is. */
const POSITION = /^position (\S+) (.+)$/;

async function openShared(order: Order): Promise<Host> {
  const stream = new SharedStream(order);
  const first = new GraphqlReader(order, order.check);
  const refusal = await stream.open();
  if (refusal === undefined) await stream.subscribe('first', order, first);
  else first.account.refusal = refusal;
  let guests = 0;
  return {
    account: first.account,
    connection: stream.connection,
    renew: (token) => renewStream(order.base, stream.connection, token),
    also: async (followed): Promise<Guest> => {
      guests += 1;
      const id = `guest-${guests}`;
      const reader = new GraphqlReader(followed, order.check);
      await stream.subscribe(id, followed, reader);
      return {
        account: reader.account,
        leave: async () => {
          await stream.unsubscribe(id);
          await reader.untilOver();
        },
      };
    },
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

/** The stream and the requests for it. */
class SharedStream implements Disposable {
  connection = '';
  readonly #order: Order;
  readonly #readers = new Map<string, GraphqlReader>();
  #token = '';
  #stream: EventStream | undefined;

  constructor(order: Order) {
    this.#order = order;
  }

  /** Reserves and opens it. Resolves with the refusal, if it is refused. */
  async open(): Promise<Refusal | undefined> {
    const reserved = await this.#send('PUT', '');
    const text = await reserved.text();
    if (reserved.status !== 201) return this.#refusal(reserved, text);
    this.#token = text;
    const stream = await EventStream.open(this.#url(''), {
      accept: 'text/event-stream',
      ...this.#headers(),
    });
    this.#stream = stream;
    const { 'retry-after': retryAfter, 'tidewire-connection': connection } = stream.headers;
    if (stream.status !== 200) {
      return readRefusal(this.#order.check, stream.status, await stream.text(), retryAfter);
    }
    // An EventSource would stay closed after anything else: an empty stream says "come again".
    if (connection === undefined) return COME_AGAIN;
    this.connection = String(connection);
    stream.read(
      (block) => this.#take(block),
      () => {
        for (const reader of this.#readers.values()) reader.close({ code: undefined, reconnect: true });
      },
    );
    return undefined;
  }

  async subscribe(id: string, followed: Followed, reader: GraphqlReader): Promise<void> {
    this.#readers.set(id, reader);
    const { extensions, ...request } = fullRequest(followed);
    const body = { ...request, extensions: { ...extensions, operationId: id } };
    const answer = await this.#send('POST', '', body);
    const text = await answer.text();
    if (answer.status !== 202) reader.account.refusal = this.#refusal(answer, text);
    await reader.untilBegun();
  }

  async unsubscribe(id: string): Promise<void> {
    const answer = await this.#send('DELETE', `?operationId=${encodeURIComponent(id)}`);
    if (answer.status !== 200) throw new Error(`the end of ${id} was answered ${answer.status}`);
  }

  [Symbol.dispose](): void {
    this.#stream?.[Symbol.dispose]();
  }

  #take({ event, data, comments }: StreamBlock): void {
    const { faults } = this.#order.check;
    for (const comment of comments) {
      const [, cursor = '', name = '""'] = POSITION.exec(comment) ?? [];
      this.#readers.get(JSON.parse(name) as string)?.position(cursor);
    }
    if (data === undefined) return;
    const { id, payload } = JSON.parse(data) as { readonly id: string; readonly payload?: unknown };
    const reader = this.#readers.get(id);
    if (reader === undefined) faults.push(`nobody is called ${id}`);
    else if (event === 'next') reader.next(payload);
    else if (event === 'complete') reader.complete();
    else faults.push(`${event} is fatal to clients: ${data}`);
  }

  #refusal({ status, headers }: Response, text: string): Refusal {
    return readRefusal(this.#order.check, status, text, headers.get('retry-after') ?? undefined);
  }

  async #send(method: string, query: string, body?: unknown): Promise<Response> {
    return await fetch(this.#url(query), {
      method,
      headers: { ...this.#headers(), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  #url(query: string): string {
    return `${this.#order.base}${GRAPHQL_PATHS.stream}${query}`;
  }

  #headers(): Record<string, string> {
    const { token } = this.#order;
    return {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(this.#token !== '' && { [GRAPHQL_STREAM_TOKEN_HEADER]: this.#token }),
    };
  }
}
