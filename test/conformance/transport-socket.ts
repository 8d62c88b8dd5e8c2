import { errorCodeRow } from '@tidewire/contract';
import { SocketClient, waitFor } from '@tidewire/test-kit';
import { filterText, tableQuery } from './transport.ts';
import { MessageReader } from './transport-message-reader.ts';
import type { Account, Followed, Guest, Host, Order, Talker, Transport } from './transport.ts';
import { readRefusal } from './transport-refusal.ts';

type Message = Readonly<Record<string, unknown>>;

/** How one kind of socket is asked for something. */
interface SocketKind {
  readonly name: string;
  readonly face: Transport['face'];
  readonly compressed: boolean;
  readonly path: (order: Order) => string;
  /** Undefined: the address says it all. */
  readonly first: ((order: Order) => Message) | undefined;
  readonly handshake: (followed: Followed) => Message;
}

const SHARED = '/api/realtime/subscribe';
export const tableHandshake = (followed: Followed): Message => ({
  type: 'subscribe',
  ...tableMembers(followed),
});
const topicHandshake = ({ place, filter, fields, cursor }: Followed): Message => ({
  type: 'subscribe',
  topic: place.topic,
  ...(filter && { filter: { [filter.field]: { [filter.operator]: filter.value } } }),
  ...(fields && { fields }),
  ...(cursor !== undefined && { lastEventId: cursor }),
});

function tableMembers({ place, filter, fields, sort, cursor }: Followed): Message {
  return {
    table: place.table,
    ...(filter && { filter: filterText(filter) }),
    ...(fields && { fields }),
    ...(sort !== undefined && { sort }),
    ...(cursor !== undefined && { lastEventId: cursor }),
  };
}

export const tableSocket = socketTransport({
  name: 'a table over a WebSocket of its own',
  face: 'table',
  compressed: true,
  path: (order) => {
    const query = tableQuery(order);
    if (order.cursor !== undefined) query.set('lastEventId', order.cursor);
    return `/api/tables/${order.place.table}/subscribe?${query.toString()}`;
  },
  first: undefined,
  handshake: tableHandshake,
});

export const sharedSocket = socketTransport({
  name: 'a table over the shared WebSocket',
  face: 'table',
  compressed: false,
  path: () => SHARED,
  first: (order) => ({ ...tableMembers(order), subscriptionId: 's1' }),
  handshake: tableHandshake,
});

export const topicSocket = socketTransport({
  name: 'a topic over the shared WebSocket',
  face: 'topic',
  compressed: true,
  path: () => SHARED,
  first: topicHandshake,
  handshake: topicHandshake,
});

function socketTransport(kind: SocketKind): Transport {
  const open = (order: Order): Promise<Talker & Host> => openSocket(kind, order);
  return {
    name: kind.name,
    face: kind.face,
    kind: 'stream',
    open,
    host: open,
    talk: open,
    tellsOldValues: true,
    showsAllNames: false,
    tellsWhyToComeBack: true,
    closeCodeOf: (code) => errorCodeRow(code).close,
  };
}

async function openSocket(kind: SocketKind, order: Order): Promise<Talker & Host> {
  const { base, token, check } = order;
  const client = await SocketClient.open(`${base}${kind.path(order)}`, {
    perMessageDeflate: kind.compressed,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  const reader = new SocketReader(client, { check });
  const send: Talker['send'] = (message) => {
    if (typeof message !== 'string') check.fromClient(message);
    client.send(message);
  };
  if (client.status === 101) {
    if (kind.first !== undefined) send(kind.first(order));
    await untilAnswered(reader, kind.name);
  }
  let guests = 0;
  const connection = client.headers['tidewire-connection'];
  return {
    account: reader.account,
    connection: typeof connection === 'string' ? connection : '',
    send,
    of: (type) => client.of(type),
    handshake: (place) => kind.handshake({ place }),
    also: async (followed): Promise<Guest> => {
      guests += 1;
      const subscriptionId = `guest-${guests}`;
      const { account } = new SocketReader(client, { id: subscriptionId });
      send({ ...kind.handshake(followed), subscriptionId });
      await untilAnswered({ account }, kind.name);
      return {
        account,
        leave: async () => {
          send({ type: 'unsubscribe', subscriptionId });
          await waitFor(() => account.end, { what: 'the subscription ends' });
        },
      };
    },
    renew: async (credential) => {
      const before = client.of('credential-renewed').length;
      send({ type: 'token', token: credential });
      await client.until('credential-renewed', before + 1);
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

async function untilAnswered({ account }: { readonly account: Account }, what: string): Promise<void> {
  await waitFor(() => account.subscribed !== undefined || !account.live, {
    what: `${what} is subscribed or refused`,
    timeoutMs: 10_000,
  });
}

interface ReadingOptions {
  /** Of the subscription; undefined: the one that is made first, whatever the server calls it. */
  readonly id?: string;
  /** Undefined: somebody else reads along and holds the messages to their schemas. */
  readonly check?: Order['check'];
}

/** Takes down what a socket says of one subscription. */
class SocketReader {
  readonly account: Account;
  readonly #client: SocketClient;
  readonly #reader: MessageReader;
  readonly #options: ReadingOptions;
  #read: number;

  constructor(client: SocketClient, options: ReadingOptions) {
    this.#client = client;
    this.#options = options;
    this.#reader = new MessageReader(options.id);
    this.account = this.#reader.account;
    this.#read = options.id === undefined ? 0 : client.messages.length;
    const { check } = options;
    if (client.status === 101) {
      // The client's own listeners were there before, so it has what these are told of.
      client.socket.on('message', () => this.#readOn());
      client.socket.on('close', () => this.#close());
      this.#readOn();
    } else if (check !== undefined) {
      const { 'retry-after': retryAfter } = client.headers;
      this.account.refusal = readRefusal(check, client.status, client.body, retryAfter);
    }
  }

  #readOn(): void {
    for (const message of this.#client.messages.slice(this.#read)) {
      this.#read += 1;
      this.#options.check?.fromServer(message);
      this.#reader.take(message);
    }
  }

  #close(): void {
    const { closed } = this.#client;
    if (closed === undefined) return;
    const { code, reason } = closed;
    this.account.end = { code: reason, reconnect: code < 4500, closeCode: code };
  }
}
