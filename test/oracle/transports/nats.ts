import { FEED_ANSWERS, FEED_CONTENT_TYPES } from '@tidewire/contract';
import type { FeedRequest } from '@tidewire/contract';
import type { FeedClient, InboxMessage, SubscriberClient } from '@tidewire/test-kit';
import type { Interest } from '../expectation.ts';
import { sortText, tableFilter } from '../table-face.ts';
import type { StreamListener, StreamRequest, Transport } from '../transport.ts';
import { followPolls } from './long-poll.ts';
import type { PollAnswer, Refused } from './long-poll.ts';
import { REFUSED, asSubscriber, isForNats } from './nats-connections.ts';
import type { NatsConnection, NatsConnections } from './nats-connections.ts';
import { topicFilter } from './sockets.ts';

/** The least that may be asked for: a quiet point waits for the next position of everybody. */
export const HEARTBEAT_MS = 250;
/** How long requests go on, one after another; so short that there are many of them. */
const EXPIRES_MS = [300, 900, 2500, 300_000] as const;
const WINDOWS = [1, 3, 64] as const;
/** So few that requests end by their number now and then. */
const MOST_EVENTS = [5, 1_000_000] as const;
const ANSWER_EVENTS = 5;
const POLL_EVERY_MS = 100;
/** Of a client that takes one message after another, so that some wait for it. */
const SLOW_MS = 150;
/** Positions that are missed until nobody seems to be there, as clients are advised. */
export const SILENCE_MS = 2_500;
const TYPE_PREFIX = 'nl.conduction.openregister.';

/** The transport of those who ask for one answer at a time. */
export const NATS_POLL = 'nats-poll';

/** Feeds over NATS: a stream of messages, one request after another, and one answer at a time. */
export function natsTransports(connections: NatsConnections): readonly Transport[] {
  const common = { anywhere: true, takes: isForNats, as: asSubscriber, follows: followsOnNats } as const;
  return [
    {
      ...common,
      name: 'nats',
      open: (asked, listener) => {
        const stream = new NatsStream(connections, asked, listener);
        void stream.run();
        return () => stream.close();
      },
    },
    {
      ...common,
      name: NATS_POLL,
      open: (asked, listener) =>
        followPolls(asked, listener, {
          everyMs: POLL_EVERY_MS,
          read: ({ events = [], messages = [] }) => [...events, ...messages].map(readEvent),
          ask: (cursor) => askOnce(connections, asked, cursor),
        }),
    },
  ];
}

/** What a feed is asked for, but for how it is to be told. */
export function wishOf({ table, topics, filter, fields, events, order }: Interest): FeedRequest {
  const common = fields === undefined ? {} : { fields: [...fields] };
  if (table !== undefined) {
    const text = tableFilter(table, filter);
    const terms = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text;
    return {
      ...common,
      tables: [table.table],
      ...(text === '' ? {} : { filter: terms }),
      ...(order && { sort: sortText(order) }),
    };
  }
  return {
    ...common,
    topics: [...topics],
    ...(filter.length === 0 ? {} : { filter: topicFilter(filter) }),
    ...(events === undefined ? {} : { events: [...events] }),
  };
}

/** An event of a topic, or a change of a table. */
export function readEvent(body: unknown): {
  readonly id: string;
  readonly name: string;
  readonly text: string;
} {
  const { id, eventId, type = '' } = body as { id?: string; eventId?: string; type?: string };
  const name = type.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : type;
  return { id: id ?? eventId ?? '', name, text: JSON.stringify(body) };
}

/** Only GraphQL can say more. */
export function followsOnNats({ alternatives }: Interest): boolean {
  return alternatives === undefined;
}

async function askOnce(
  connections: NatsConnections,
  { ticket, interest }: StreamRequest,
  cursor: string | undefined,
): Promise<PollAnswer | Refused | undefined> {
  const connection = await connections.use(ticket);
  if (connection === REFUSED) return { refused: 401, body: 'the connection' };
  const request = { ...wishOf(interest), ...(cursor === undefined ? {} : { cursor }), max: ANSWER_EVENTS };
  // Nobody is there, or not any more.
  const answer = await connection.client.ask('feed', request).catch(() => undefined);
  if (answer === undefined) return undefined;
  const refusal = refusalOf(answer);
  return refusal === undefined ? (answer.body as PollAnswer) : refusal;
}

export function refusalOf({ contentType, errorCode, body }: InboxMessage): Refused | undefined {
  if (contentType !== FEED_CONTENT_TYPES.problem) return undefined;
  return { refused: Number(errorCode), body: JSON.stringify(body) };
}

/** Asks for the next messages again and again, each time where it was. */
class NatsStream {
  readonly #connections: NatsConnections;
  readonly #asked: StreamRequest;
  readonly #listener: StreamListener;
  #cursor: string | undefined;
  #turn = 0;
  #feed: FeedClient | undefined;
  #silence: NodeJS.Timeout | undefined;
  #connection: NatsConnection | undefined;
  #over = false;

  constructor(connections: NatsConnections, asked: StreamRequest, listener: StreamListener) {
    this.#connections = connections;
    this.#asked = asked;
    this.#listener = listener;
    this.#cursor = asked.cursor;
  }

  readonly #lost = (): void => this.#end(() => this.#listener.closed());

  async run(): Promise<void> {
    const connection = await this.#connections.use(this.#asked.ticket);
    if (this.#over) return;
    if (connection === REFUSED) {
      this.#end(() => this.#listener.refused(401, 'the connection'));
      return;
    }
    if (connection.client.connection.isClosed()) {
      this.#lost();
      return;
    }
    this.#connection = connection;
    connection.onClosed.add(this.#lost);
    await this.#ask(connection);
  }

  close(): void {
    this.#end(() => undefined);
  }

  async #ask({ client }: NatsConnection): Promise<void> {
    const turn = (this.#turn += 1);
    const begun = turn + this.#asked.interest.topics.join().length;
    if (turn > 1) this.#listener.again();
    const window = WINDOWS[begun % WINDOWS.length] ?? 1;
    const request = {
      ...wishOf(this.#asked.interest),
      ...(this.#cursor === undefined ? {} : { cursor: this.#cursor }),
      expires: EXPIRES_MS[begun % EXPIRES_MS.length] ?? 1000,
      window,
      max: MOST_EVENTS[turn % MOST_EVENTS.length] ?? 1,
      heartbeat: HEARTBEAT_MS,
    };
    this.#expectSigns();
    const answer = (message: InboxMessage): string | undefined => {
      if (turn === this.#turn && !this.#over) this.#take(message);
      if (this.#over) return FEED_ANSWERS.stop;
      if (window > 1) return FEED_ANSWERS.done;
      if (message.reply !== '') this.#goOnLater(client, message.reply);
      return undefined;
    };
    try {
      const feed = await client.feed(request, { answer });
      if (this.#over || turn !== this.#turn) feed.leave();
      else this.#feed = feed;
    } catch {
      this.#lost();
    }
  }

  #goOnLater(client: SubscriberClient, reply: string): void {
    setTimeout(() => this.#goOn(client, reply), this.#connections.isHurried ? 0 : SLOW_MS);
  }

  /** Takes the next message, after some time in which it may have become one that is not to be told. */
  #goOn({ connection }: SubscriberClient, reply: string): void {
    if (connection.isClosed()) return;
    if (!this.#over) this.#listener.released();
    connection.publish(reply, FEED_ANSWERS.done);
  }

  #take(message: InboxMessage): void {
    const { contentType, body } = message;
    this.#expectSigns();
    const refusal = refusalOf(message);
    if (refusal !== undefined) {
      this.#end(() => this.#listener.refused(refusal.refused, refusal.body));
      return;
    }
    const { type, eventId } = body as { readonly type?: string; readonly eventId?: string };
    if (contentType === '') this.#lost();
    else if (type === 'heartbeat' || type === 'subscribed') this.#reached(eventId);
    else if (type === 'resync') this.#resync(body);
    else if (type === 'end') this.#ended(body);
    else if (type !== 'connection-status') this.#event(body);
  }

  /** A sign of life may be of no place. */
  #reached(id: string | undefined): void {
    this.#listener.opened();
    if (id === undefined) return;
    this.#cursor = id;
    this.#listener.position(id);
  }

  #event(body: unknown): void {
    this.#listener.opened();
    const event = readEvent(body);
    this.#cursor = event.id;
    this.#listener.event(event);
  }

  #resync(body: { readonly current: string }): void {
    this.#listener.opened();
    this.#cursor = body.current;
    this.#listener.resync(JSON.stringify(body));
  }

  #ended(end: { readonly code?: string; readonly lastEventId?: string }): void {
    this.#feed?.leave();
    if (end.code !== undefined) {
      this.#end(() => {
        this.#listener.ended(JSON.stringify(end));
        this.#listener.closed();
      });
      return;
    }
    if (end.lastEventId !== undefined) this.#reached(end.lastEventId);
    this.#listener.answered();
    if (this.#connection !== undefined) void this.#ask(this.#connection);
  }

  #expectSigns(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(this.#lost, SILENCE_MS);
  }

  #end(report: () => void): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#silence);
    this.#connection?.onClosed.delete(this.#lost);
    this.#feed?.leave();
    report();
  }
}
