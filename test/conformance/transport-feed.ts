import { FEED_CONTENT_TYPES, errorCodeSchema } from '@tidewire/contract';
import { SubscriberClient, waitFor } from '@tidewire/test-kit';
import type { FeedClient, InboxMessage } from '@tidewire/test-kit';
import { readRefusal } from './transport-refusal.ts';
import { Account, filterText, readCloudEvent, readTableChange } from './transport.ts';
import type { Follower, Order, Told, Transport } from './transport.ts';

interface FeedKind {
  readonly name: string;
  readonly face: Transport['face'];
  /** Members of the request. */
  readonly wish: (order: Order) => Readonly<Record<string, unknown>>;
  /** What an event is called in the contract. */
  readonly document: 'table-change' | 'cloud-event';
  readonly read: (raw: Readonly<Record<string, unknown>>) => Told;
}

const EXPIRES_MS = 60_000;

export const topicFeed = feedTransport({
  name: 'a topic by a feed on NATS',
  face: 'topic',
  wish: ({ place, filter }) => ({
    topics: [place.topic],
    ...(filter && { filter: { [filter.field]: { [filter.operator]: filter.value } } }),
  }),
  document: 'cloud-event',
  read: readCloudEvent,
});

export const tableFeed = feedTransport({
  name: 'a table by a feed on NATS',
  face: 'table',
  wish: ({ place, filter, sort }) => ({
    tables: [place.table],
    ...(filter && { filter: filterText(filter) }),
    ...(sort !== undefined && { sort }),
  }),
  document: 'table-change',
  read: readTableChange,
});

function feedTransport(kind: FeedKind): Transport {
  return {
    name: kind.name,
    face: kind.face,
    kind: 'stream',
    open: (order) => Feeder.open(kind, order),
    host: undefined,
    talk: undefined,
    tellsOldValues: true,
    showsAllNames: false,
    tellsWhyToComeBack: true,
    closeCodeOf: undefined,
    asksAgain: true,
    expiresUnsaid: true,
  };
}

/** One feed, by the ordinary client of NATS. Which gateway answers is not the client's to say. */
class Feeder implements Follower {
  readonly account = new Account();
  readonly #kind: FeedKind;
  readonly #order: Order;
  #client: SubscriberClient | undefined;
  #feed: FeedClient | undefined;
  #connection = '';

  private constructor(kind: FeedKind, order: Order) {
    this.#kind = kind;
    this.#order = order;
    this.account.cursor = order.cursor;
  }

  static async open(kind: FeedKind, order: Order): Promise<Follower> {
    const feeder = new Feeder(kind, order);
    await feeder.#connect(order.token);
    return feeder;
  }

  get connection(): string {
    return this.#connection;
  }

  /** A connection lives by one credential: another one is another connection, which goes on with the cursor. */
  async renew(token: string): Promise<void> {
    this[Symbol.dispose]();
    await this.#connect(token);
  }

  [Symbol.dispose](): void {
    this.#feed?.leave();
    const client = this.#client;
    this.#client = undefined;
    void client?.[Symbol.asyncDispose]();
  }

  async #connect(token: string | undefined): Promise<void> {
    const { origin, nats, fields } = this.#order;
    const { account } = this;
    const subscriber = await nameOf(origin, token);
    try {
      this.#client = await SubscriberClient.open({
        servers: nats,
        subscriber,
        credential: { token: token ?? '' },
        connection: { reconnect: false },
      });
    } catch (error) {
      account.refusal = { status: 401, code: 'UNAUTHORIZED', message: String(error), retryAfter: undefined };
      return;
    }
    this.#watch(this.#client);
    const request = {
      ...this.#kind.wish(this.#order),
      ...(account.cursor !== undefined && { cursor: account.cursor }),
      ...(fields && { fields: [...fields] }),
      heartbeat: 300,
      expires: EXPIRES_MS,
    };
    this.#order.check.document('feed-request', request);
    this.#feed = await this.#client.feed(request, {
      answer: (message) => {
        this.#take(message);
        return '';
      },
    });
    await waitFor(() => account.subscribed !== undefined || !account.live, {
      what: `${this.#kind.name} is subscribed or refused`,
      timeoutMs: 10_000,
    });
  }

  /** NATS ends the connection of a credential that does not hold any more, and says no more than that. */
  #watch(client: SubscriberClient): void {
    void client.connection.closed().then(() => {
      if (this.#client === client) this.account.end ??= { code: 'UNAUTHORIZED', reconnect: false };
    });
  }

  #take({ contentType, errorCode, retryAfter, body }: InboxMessage): void {
    const { check } = this.#order;
    const { account } = this;
    if (!account.live) {
      check.faults.push(`told after its end: ${JSON.stringify(body)}`);
    } else if (errorCode !== '') {
      account.refusal = readRefusal(check, Number(errorCode), JSON.stringify(body), retryAfter);
    } else if (body.type === 'end') {
      check.document('feed-end', body);
      const code = body.code === undefined ? undefined : errorCodeSchema.parse(body.code);
      account.end = { code, reconnect: body.reconnect };
    } else if (contentType === FEED_CONTENT_TYPES.event || body.type === 'change') {
      check.document(this.#kind.document, body);
      const told = this.#kind.read(body);
      account.changes.push(told);
      account.cursor = told.cursor;
    } else {
      check.fromServer(body);
      this.#takeWords(body);
    }
  }

  #takeWords(body: InboxMessage['body']): void {
    const { account } = this;
    switch (body.type) {
      case 'subscribed':
        account.subscribed = body;
        account.cursor = body.eventId ?? account.cursor;
        this.#connection = body.connectionId;
        return;
      case 'heartbeat':
        account.cursor = body.eventId ?? account.cursor;
        return;
      case 'resync':
        account.resyncs.push({ reason: body.reason, current: body.current });
        account.cursor = body.current;
        return;
      case 'connection-status':
        account.statuses.push(body.status);
    }
  }
}

/** The principal whose token it is: what a subscriber knows of itself. */
async function nameOf(origin: string, token: string | undefined): Promise<string> {
  const response = await fetch(`${origin}/api/auth/me`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  if (response.status !== 200) return 'nobody';
  return ((await response.json()) as { readonly principal: { readonly id: string } }).principal.id;
}
