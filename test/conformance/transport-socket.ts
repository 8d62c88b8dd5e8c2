import { errorCodeRow, errorCodeSchema } from '@tidewire/contract';
import { SocketClient, waitFor } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { Account, filterText, readCloudEvent, readTableChange, tableQuery } from './transport.ts';
import type { Order, Place, Talker, Transport } from './transport.ts';
import { readRefusal, reconnectOf } from './transport-refusal.ts';

type Message = Readonly<Record<string, unknown>>;

/** How one kind of socket is asked for something. */
interface SocketKind {
  readonly name: string;
  readonly face: Transport['face'];
  readonly compressed: boolean;
  readonly path: (order: Order) => string;
  /** Undefined: the address says it all. */
  readonly first: ((order: Order) => Message) | undefined;
  readonly handshake: (place: Place) => Message;
}

const SHARED = '/api/realtime/subscribe';
const tableHandshake = ({ table }: Place): Message => ({ type: 'subscribe', table });

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
  first: ({ place, filter, fields, sort, cursor }) => ({
    table: place.table,
    subscriptionId: 's1',
    ...(filter && { filter: filterText(filter) }),
    ...(fields && { fields }),
    ...(sort !== undefined && { sort }),
    ...(cursor !== undefined && { lastEventId: cursor }),
  }),
  handshake: tableHandshake,
});

export const topicSocket = socketTransport({
  name: 'a topic over the shared WebSocket',
  face: 'topic',
  compressed: true,
  path: () => SHARED,
  first: ({ place, filter, fields, cursor }) => ({
    type: 'subscribe',
    topic: place.topic,
    ...(filter && { filter: { [filter.field]: { [filter.operator]: filter.value } } }),
    ...(fields && { fields }),
    ...(cursor !== undefined && { lastEventId: cursor }),
  }),
  handshake: ({ topic }) => ({ type: 'subscribe', topic }),
});

function socketTransport(kind: SocketKind): Transport {
  const talk = (order: Order): Promise<Talker> => openSocket(kind, order);
  return { name: kind.name, face: kind.face, kind: 'stream', open: talk, talk, hasCloseCodes: true };
}

async function openSocket(kind: SocketKind, order: Order): Promise<Talker> {
  const { base, token, check } = order;
  const client = await SocketClient.open(`${base}${kind.path(order)}`, {
    perMessageDeflate: kind.compressed,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  const reader = new SocketReader(client, check);
  const send: Talker['send'] = (message) => {
    if (typeof message !== 'string') check.fromClient(message);
    client.send(message);
  };
  if (client.status === 101) {
    if (kind.first !== undefined) send(kind.first(order));
    const { account } = reader;
    await waitFor(() => account.subscribed !== undefined || !account.live, {
      what: `${kind.name} is subscribed or refused`,
      timeoutMs: 10_000,
    });
  }
  const connection = client.headers['tidewire-connection'];
  return {
    account: reader.account,
    connection: typeof connection === 'string' ? connection : '',
    send,
    of: (type) => client.of(type),
    handshake: kind.handshake,
    renew: async (credential) => {
      const before = client.of('credential-renewed').length;
      send({ type: 'token', token: credential });
      await client.until('credential-renewed', before + 1);
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** Takes down what a socket says of the subscription that was made first. */
class SocketReader {
  readonly account = new Account();
  readonly #client: SocketClient;
  readonly #check: Order['check'];
  #read = 0;
  #lastError = '';

  constructor(client: SocketClient, check: Order['check']) {
    this.#client = client;
    this.#check = check;
    if (client.status === 101) {
      // The client's own listeners were there before, so it has what these are told of.
      client.socket.on('message', () => this.#readOn());
      client.socket.on('close', () => this.#close());
      this.#readOn();
    } else {
      const { 'retry-after': retryAfter } = client.headers;
      this.account.refusal = readRefusal(check, client.status, client.body, retryAfter);
    }
  }

  #readOn(): void {
    for (const message of this.#client.messages.slice(this.#read)) {
      this.#read += 1;
      this.#check.fromServer(message);
      this.#take(message);
    }
  }

  #take(message: SocketMessage): void {
    const { account } = this;
    const id = account.subscribed?.['subscriptionId'];
    const isOurs = id !== undefined && message['subscriptionId'] === id;
    switch (message.type) {
      case 'subscribed':
        if (account.subscribed !== undefined) return;
        account.subscribed = message;
        account.cursor = message['eventId'];
        return;
      case 'change':
        if (isOurs) account.cursor = pushed(account, readTableChange(message));
        return;
      case 'event':
        if (isOurs) account.cursor = pushed(account, readCloudEvent(message['event']));
        return;
      case 'heartbeat':
        if (isOurs) account.cursor = message['eventId'] ?? account.cursor;
        return;
      case 'resync':
        if (message['scope'] !== undefined && !message['scope'].includes(id)) return;
        account.resyncs.push({ reason: message['reason'], current: message['current'] });
        account.cursor = message['current'];
        return;
      case 'credential-expiring':
        account.expiring.push(message['expiresAt']);
        return;
      case 'connection-status':
        account.statuses.push(message['status']);
        return;
      case 'error':
        this.#lastError = message['code'];
        if (id === undefined) account.refusal = refusalOf(message);
        return;
      case 'unsubscribed':
        if (!isOurs) return;
        account.end = { code: this.#lastError, reconnect: reconnectOf(this.#lastError) };
    }
  }

  #close(): void {
    const { closed } = this.#client;
    if (closed === undefined) return;
    const { code, reason } = closed;
    this.account.end = { code: reason, reconnect: code < 4500, closeCode: code };
  }
}

function pushed(account: Account, change: Account['changes'][number]): string {
  account.changes.push(change);
  return change.cursor;
}

function refusalOf(message: SocketMessage): Account['refusal'] {
  const code = errorCodeSchema.parse(message['code']);
  return { status: errorCodeRow(code).status, code, message: message['message'], retryAfter: undefined };
}
