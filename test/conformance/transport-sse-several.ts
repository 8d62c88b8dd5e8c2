import { waitFor } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { EventStream } from './transport-event-stream.ts';
import type { StreamBlock } from './transport-event-stream.ts';
import { MessageReader } from './transport-message-reader.ts';
import { COME_AGAIN, readRefusal } from './transport-refusal.ts';
import { tableHandshake } from './transport-socket.ts';
import { renewStream } from './transport-sse.ts';
import type { Account, Followed, Guest, Host, Order, Refusal, Transport } from './transport.ts';

/** One SSE response for several subscriptions: the messages of a socket, for those whose network lets none through. */
export const severalSse: Transport = {
  name: 'a table over SSE with several subscriptions',
  face: 'table',
  kind: 'stream',
  open: openSeveral,
  host: openSeveral,
  talk: undefined,
  tellsOldValues: true,
  showsAllNames: false,
  tellsWhyToComeBack: true,
  closeCodeOf: undefined,
};

async function openSeveral(order: Order): Promise<Host> {
  const stream = new SeveralStream(order);
  const account = await stream.add('first', order);
  let guests = 0;
  return {
    account,
    get connection() {
      return stream.connection;
    },
    renew: (token) => renewStream(order.base, stream.connection, token),
    also: async (followed): Promise<Guest> => {
      guests += 1;
      const id = `guest-${guests}`;
      const guest = await stream.add(id, followed);
      return { account: guest, leave: () => stream.leave(id) };
    },
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

type Handshake = Readonly<Record<string, unknown>>;

interface Subscribed {
  readonly followed: Followed;
  readonly account: Account;
}

/** A client can only ask when it opens a stream: for another set of subscriptions it opens another one, with the cursor of each. */
class SeveralStream implements Disposable {
  connection = '';
  readonly #order: Order;
  readonly #subscribed = new Map<string, Subscribed>();
  #stream: EventStream | undefined;

  constructor(order: Order) {
    this.#order = order;
  }

  /** Resolves when the subscription is told of changes, or was refused. */
  async add(id: string, followed: Followed): Promise<Account> {
    const { account } = new MessageReader(id);
    this.#subscribed.set(id, { followed, account });
    await this.#open();
    await waitFor(() => account.subscribed !== undefined || !account.live, {
      what: `${id} is subscribed or refused`,
      timeoutMs: 10_000,
    });
    if (!account.live) this.#subscribed.delete(id);
    return account;
  }

  async leave(id: string): Promise<void> {
    const left = this.#subscribed.get(id);
    this.#subscribed.delete(id);
    await this.#open();
    if (left !== undefined) left.account.end = { code: undefined, reconnect: true };
  }

  [Symbol.dispose](): void {
    this.#stream?.[Symbol.dispose]();
  }

  async #open(): Promise<void> {
    const { base, token, check } = this.#order;
    this.#stream?.[Symbol.dispose]();
    const subscriptions = [...this.#subscribed].map(([subscriptionId, { followed, account }]): Handshake => ({
      ...tableHandshake({ ...followed, cursor: account.cursor ?? followed.cursor }),
      subscriptionId,
    }));
    for (const handshake of subscriptions) check.fromClient(handshake);
    const stream = await EventStream.open(
      `${base}/api/realtime/subscribe`,
      { accept: 'text/event-stream', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      { subscriptions },
    );
    this.#stream = stream;
    const { 'tidewire-connection': connection, 'retry-after': retryAfter } = stream.headers;
    if (stream.status !== 200) {
      this.#refuse(readRefusal(check, stream.status, await stream.text(), retryAfter));
    } else if (connection === undefined) {
      this.#refuse({ ...COME_AGAIN, message: await stream.text() });
    } else {
      this.connection = String(connection);
      this.#read(stream);
    }
  }

  #refuse(refusal: Refusal): void {
    for (const { account } of this.#subscribed.values()) account.refusal = refusal;
  }

  #read(stream: EventStream): void {
    const { check } = this.#order;
    const accounts = [...this.#subscribed.values()].map(({ account }) => account);
    const readers = [...this.#subscribed].map(([id, { account }]) => new MessageReader(id, account));
    stream.read(({ id, event, data }: StreamBlock) => {
      // What was on its way on the stream before comes again on this one.
      if (stream !== this.#stream) return;
      if (id !== undefined) check.faults.push(`the stream has the id ${id}`);
      if (data === undefined) return;
      if (event === 'end') {
        const end = JSON.parse(data) as { readonly code: string; readonly reconnect: boolean };
        check.document('stream-end', end);
        for (const account of accounts) account.end ??= { code: end.code, reconnect: end.reconnect };
        return;
      }
      if (event !== 'message') check.faults.push(`a message has the name ${event}`);
      const message = JSON.parse(data) as SocketMessage;
      check.fromServer(message);
      for (const reader of readers) reader.take(message);
    });
  }
}
