import { setTimeout as delay } from 'node:timers/promises';
import { errorCodeSchema } from '@tidewire/contract';
import { readRefusal, reconnectOf } from './transport-refusal.ts';
import { Account, readCloudEvent, readTableChange, tableQuery, topicQuery } from './transport.ts';
import type { Follower, Order, Told, Transport } from './transport.ts';

interface PollKind {
  readonly name: string;
  readonly face: Transport['face'];
  readonly query: (order: Order) => URLSearchParams;
  readonly document: 'table-poll' | 'topic-poll';
  readonly read: (answer: Answer) => readonly Told[];
}

type Data = Readonly<Record<string, unknown>>;

interface Answer {
  readonly events?: readonly Data[];
  readonly messages?: readonly Data[];
  readonly lastEventId: string;
  readonly resync?: { readonly reason: string; readonly current: string };
}

/** So long that a poll counts among the connections of all gateways, which it does from two seconds on. */
const WAIT_MS = 2300;
/** After "come again later". */
const PAUSE_MS = 100;

export const tablePoll = pollTransport({
  name: 'a table by long polls',
  face: 'table',
  query: (order) => {
    const query = tableQuery(order);
    query.set('table', order.place.table);
    return query;
  },
  document: 'table-poll',
  read: ({ messages = [] }) => messages.map(readTableChange),
});

export const topicPoll = pollTransport({
  name: 'a topic by long polls',
  face: 'topic',
  query: topicQuery,
  document: 'topic-poll',
  read: ({ events = [] }) => events.map(readCloudEvent),
});

function pollTransport(kind: PollKind): Transport {
  return {
    name: kind.name,
    face: kind.face,
    kind: 'poll',
    open: async (order) => {
      const poller = new Poller(kind, order);
      // The first answer says from where, or why not.
      await poller.poll(0);
      void poller.goOn();
      return poller;
    },
    host: undefined,
    talk: undefined,
    tellsOldValues: true,
    showsAllNames: false,
    tellsWhyToComeBack: true,
    closeCodeOf: undefined,
    asksAgain: true,
  };
}

/** One poll after another, each from the cursor of the last answer. */
class Poller implements Follower {
  readonly account = new Account();
  readonly connection = '';
  readonly #kind: PollKind;
  readonly #order: Order;
  #token: string | undefined;
  #asking = new AbortController();
  #closed = false;
  #answered = false;

  constructor(kind: PollKind, order: Order) {
    this.#kind = kind;
    this.#order = order;
    this.#token = order.token;
    this.account.cursor = order.cursor;
  }

  async goOn(): Promise<void> {
    while (!this.#closed && this.account.live) await this.poll(WAIT_MS);
  }

  async poll(timeoutMs: number): Promise<void> {
    const { base, check } = this.#order;
    const query = this.#kind.query(this.#order);
    if (this.account.cursor !== undefined) query.set('lastEventId', this.account.cursor);
    query.set('timeoutMs', String(timeoutMs));
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const response = await fetch(`${base}/api/realtime/poll?${query.toString()}`, {
        signal,
        headers: this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` },
      });
      const text = await response.text();
      if (signal.aborted) return;
      if (response.status === 200) this.#take(JSON.parse(text) as Answer);
      else if (response.status === 503) await delay(PAUSE_MS);
      else {
        const retryAfter = response.headers.get('retry-after');
        const refusal = readRefusal(check, response.status, text, retryAfter);
        // A poll counts as a connection once it waits: its place is refused later than that of others.
        if (this.#answered && response.status !== 429) {
          const code = errorCodeSchema.parse(refusal.code);
          this.account.end = { code, reconnect: reconnectOf(code) };
        } else this.account.refusal = refusal;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The next poll is the other credential's. */
  async renew(token: string): Promise<void> {
    this.#token = token;
    this.#asking.abort();
    return await Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#asking.abort();
  }

  #take(answer: Answer): void {
    this.#order.check.document(this.#kind.document, answer);
    this.#answered = true;
    const { account } = this;
    account.changes.push(...this.#kind.read(answer));
    if (answer.resync !== undefined) {
      account.resyncs.push({ reason: answer.resync.reason, current: answer.resync.current });
    }
    account.cursor = answer.lastEventId;
  }
}
