import { GRAPHQL_PATHS, GRAPHQL_SOCKET_PROTOCOL, errorCodeRow, errorCodeSchema } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { SocketClient, waitFor } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { CloseCode } from 'graphql-ws';
import { GraphqlReader, fullRequest } from './transport-graphql.ts';
import { readRefusal } from './transport-refusal.ts';
import { renewStream } from './transport-sse.ts';
import type { Followed, Guest, Host, Order, Refusal, Transport } from './transport.ts';

/** GraphQL over WebSocket (`graphql-transport-ws`). */
export const graphqlSocket: Transport = {
  name: 'GraphQL over WebSocket',
  face: 'graphql',
  kind: 'stream',
  open: openSocket,
  host: openSocket,
  talk: undefined,
  tellsOldValues: false,
  showsAllNames: true,
  tellsWhyToComeBack: true,
  closeCodeOf: (code) => OWN_CODES.get(code) ?? errorCodeRow(code).close,
};

/** What the protocol has a code for itself. */
const OWN_CODES: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ['CREDENTIAL_ENDED', CloseCode.Unauthorized],
  ['CONNECTION_ENDED', CloseCode.Unauthorized],
]);

/** Codes after which the protocol's own client does not come back. */
const FINAL_CODES: ReadonlySet<number> = new Set<number>([
  CloseCode.BadRequest,
  CloseCode.Unauthorized,
  CloseCode.SubprotocolNotAcceptable,
  CloseCode.SubscriberAlreadyExists,
  CloseCode.TooManyInitialisationRequests,
]);

async function openSocket(order: Order): Promise<Host> {
  const { base, token, check } = order;
  const client = await SocketClient.open(`${base}${GRAPHQL_PATHS.subscriptions}`, {
    protocol: GRAPHQL_SOCKET_PROTOCOL,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  const socket = new GraphqlSocket(client, check);
  const first = new GraphqlReader(order, check);
  const refusal = await socket.initialise();
  if (refusal === undefined) await socket.subscribe('first', order, first);
  else first.account.refusal = refusal;
  let guests = 0;
  return {
    account: first.account,
    connection: socket.connection,
    renew: (credential) => renewStream(base, socket.connection, credential),
    also: async (followed): Promise<Guest> => {
      guests += 1;
      const id = `guest-${guests}`;
      const reader = new GraphqlReader(followed, check);
      await socket.subscribe(id, followed, reader);
      return { account: reader.account, leave: () => socket.unsubscribe(id) };
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** One socket, whose messages go to those whom they are for. */
class GraphqlSocket {
  connection = '';
  readonly #client: SocketClient;
  readonly #check: Order['check'];
  readonly #readers = new Map<string, GraphqlReader>();
  #read = 0;
  #questions = 0;

  constructor(client: SocketClient, check: Order['check']) {
    this.#client = client;
    this.#check = check;
    if (client.status !== 101) return;
    // The client's own listeners were there before, so it has what these are told of.
    client.socket.on('message', () => this.#readOn());
    client.socket.on('close', () => this.#close());
  }

  /** Resolves with the refusal, if it is refused, by an answer or a close. */
  async initialise(): Promise<Refusal | undefined> {
    const { status, headers, body } = this.#client;
    if (status !== 101) return readRefusal(this.#check, status, body, headers['retry-after']);
    this.#client.send({ type: 'connection_init' });
    const [ack] = await waitFor(
      () => this.#client.closed !== undefined || this.#client.of('connection_ack').length > 0,
      { what: 'the connection is acknowledged or refused', timeoutMs: 10_000 },
    ).then(() => this.#client.of('connection_ack'));
    if (ack === undefined) return closeRefusal(this.#client);
    this.connection = String(ack['payload'].connectionId);
    return undefined;
  }

  async subscribe(id: string, followed: Followed, reader: GraphqlReader): Promise<void> {
    this.#readers.set(id, reader);
    this.#client.send({ id, type: 'subscribe', payload: fullRequest(followed) });
    await reader.untilBegun();
  }

  /** The protocol does not answer it: what is asked afterwards is answered afterwards. */
  async unsubscribe(id: string): Promise<void> {
    this.#client.send({ id, type: 'complete' });
    this.#questions += 1;
    const question = `question-${this.#questions}`;
    this.#client.send({ id: question, type: 'subscribe', payload: { query: '?' } });
    await waitFor(() => this.#client.of('error').some((error) => error['id'] === question), {
      what: 'the question is answered',
    });
  }

  #readOn(): void {
    for (const message of this.#client.messages.slice(this.#read)) {
      this.#read += 1;
      this.#take(message);
    }
  }

  #take(message: SocketMessage): void {
    const { type, payload } = message;
    if (type === 'connection_ack') return;
    if (type === 'ping') {
      this.#readers.get(String(payload?.id))?.position(String(payload?.eventId));
      this.#client.send({ type: 'pong' });
      return;
    }
    const id = String(message['id']);
    const reader = this.#readers.get(id);
    if (reader === undefined) {
      if (type !== 'error') this.#fault(message);
    } else if (type === 'next') reader.next(payload);
    else if (type === 'error') reader.fail(payload as Parameters<typeof reader.fail>[0]);
    else if (type === 'complete') reader.complete();
    else this.#fault(message);
  }

  #fault(message: SocketMessage): void {
    this.#check.faults.push(`nobody knows what to do with ${JSON.stringify(message)}`);
  }

  #close(): void {
    const { code = 0, reason = '' } = this.#client.closed ?? {};
    const end = { code: reason, reconnect: !FINAL_CODES.has(code), closeCode: code };
    for (const reader of this.#readers.values()) reader.close(end);
  }
}

function closeRefusal({ closed }: SocketClient): Refusal {
  const code = errorCodeSchema.parse(closed?.reason);
  return { status: errorCodeRow(code).status, code, message: '', retryAfter: undefined };
}
