import {
  FEED_CONTENT_TYPES,
  FEED_LIMITS,
  TidewireError,
  WEBHOOK_LIMITS,
  formatSubscriber,
  isInboxOf,
  isNotifierInboxOf,
  queueGroup,
} from '@tidewire/contract';
import type { ErrorCode, FeedAnswerSubject, FeedRequest, SubscriberAddress } from '@tidewire/contract';
import { formatRefusal } from '@tidewire/messaging';
import type { ClientChannel, ClientRequest, NOBODY } from '@tidewire/messaging';
import type { Admission } from '@tidewire/rights';
import { toTidewireError } from '@tidewire/service-kit';
import type { Timer } from '@tidewire/service-kit';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { Slot } from '../limits/connection-slots.ts';
import { KeyedPlaces } from '../limits/keyed-places.ts';
import type { SubscriberAdmissions } from '../rights/subscriber-admission.ts';
import { startStream } from '../transports/catch-up.ts';
import type { LongPoll } from '../transports/long-poll.ts';
import type { PollPeer } from '../transports/poll-peer.ts';
import type { Wanted } from '../transports/stream-opener.ts';
import type { TransportOptions } from '../transports/transport-options.ts';
import { Feed } from './feed.ts';
import type { FeedGroups } from './feed-groups.ts';
import { parseFeedRequest, readWanted } from './feed-request.ts';

export interface FeedsOptions extends TransportOptions {
  readonly channel: ClientChannel;
  readonly groups: FeedGroups;
  /** This gateway's name among all. */
  readonly instance: string;
  readonly admissions: Pick<SubscriberAdmissions, 'admit'>;
  readonly longPoll: LongPoll;
  /** Topics of one feed. */
  readonly maxTopics: number;
  readonly onRefusal: (code: ErrorCode) => void;
}

/** What one request asks for, read and admitted. */
interface Order {
  readonly address: SubscriberAddress;
  readonly inbox: string;
  readonly request: FeedRequest;
  readonly wanted: Wanted;
  readonly admission: Admission;
}

/** Requests that are being let in or answered at once, by principal; streams that run have their place among the connections. */
const MOST_REQUESTS = Object.freeze({ total: 1000, perKey: 32 });
/**
 * Streams that the notifier passes on, by principal. Nobody's browser is to be kept out because of webhooks, so they do not
 * count among connections. Twice as many as there can be: those of a notifier that died are noticed by their next message.
 */
const MOST_WEBHOOKS = Object.freeze({ total: 20_000, perKey: 2 * WEBHOOK_LIMITS.perPrincipal });
const SWEEP_MS = 5_000;
/** How long NATS may take to say that nobody listens. */
const PROBE_MS = 100;
/** What stands for an address where connections are listed: NATS does not tell where a subscriber is. */
const ADDRESS = 'nats';

/**
 * Feeds: what other transports stream to a socket, as messages into the inbox of a subscriber on NATS. A request says
 * everything that it takes, so the next one may be answered by any gateway.
 */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #feeds = new Map<number, Feed>();
  readonly #requests = new KeyedPlaces(MOST_REQUESTS);
  readonly #webhooks = new KeyedPlaces(MOST_WEBHOOKS);
  #numbers = 0;
  #sweep: Timer | undefined;
  #stops: (() => unknown)[] = [];

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  /** Streams that run. */
  get size(): number {
    return this.#feeds.size;
  }

  /** Requests that asked for answers in somebody else's inbox. */
  get foreignInboxes(): number {
    return this.#options.channel.foreignInboxes;
  }

  start(): void {
    const { channel, instance, clock } = this.#options;
    this.#stops = [
      channel.onAnswer({ gateway: instance, handle: (answer, text) => this.#answered(answer, text) }),
      channel.onRequest({
        kind: 'feed',
        queue: queueGroup('feed'),
        mayAnswer: (address, inbox) => isInboxOf(address, inbox) || isNotifierInboxOf(address, inbox),
        handle: (request) => void this.#take(request),
      }),
      // Whoever listened there has lost its connection too, or is told nothing for a while: both come back.
      channel.onStatus((status) => {
        if (status === 'disconnected' || status === 'closed') this.#abandonAll();
      }),
    ];
    this.#options.groups.start();
    this.#sweep = clock.setInterval(() => this.#forgetAbandoned(), SWEEP_MS);
  }

  async stop(): Promise<void> {
    this.#sweep?.cancel();
    await this.#options.groups.stop();
    this.#abandonAll();
    for (const stop of this.#stops.splice(0)) await stop();
  }

  /** One request. Its errors end here. */
  async #take({ address, inbox, text }: ClientRequest): Promise<void> {
    const { channel, opener, admissions, maxTopics, onRefusal, logger } = this.#options;
    const leave = this.#requests.take(address.principal);
    try {
      if (leave === undefined) throw tooMany();
      opener.requireReady();
      const admission = await admissions.admit(address);
      try {
        const request = parseFeedRequest(text);
        const wanted = readWanted(request, maxTopics);
        const order = { address, inbox, request, wanted, admission };
        await this.#serve(order);
      } catch (error) {
        admission.release();
        throw error;
      }
    } catch (error) {
      const { code } = toTidewireError(error);
      onRefusal(code);
      if (code === 'INTERNAL_ERROR') logger.error('feed failed', { error });
      channel.send(inbox, formatRefusal(toTidewireError(error)));
    } finally {
      leave?.();
    }
  }

  async #serve(order: Order): Promise<void> {
    const { address, inbox, request, wanted, admission } = order;
    const expires = request.expires ?? 0;
    if (request.group === undefined) {
      await (expires > 0 ? this.#open(order) : this.#answer(order));
      return;
    }
    if (expires === 0)
      throw new TidewireError('BAD_REQUEST', 'A worker says with `expires` how long it works');
    // Whether it may follow that is said at once; the group is admitted by itself.
    this.#options.opener.check(wanted, admission.reader);
    await this.#options.groups.join(address, inbox, request, wanted);
    admission.release();
  }

  /** One answer with what there is, as a poll has that does not wait. */
  async #answer({ inbox, request, wanted, admission }: Order): Promise<void> {
    const { channel, longPoll } = this.#options;
    const limit = Math.min(request.max ?? FEED_LIMITS.defaultAnswerEvents, FEED_LIMITS.maxAnswerEvents);
    const peer = new InboxPeer();
    await longPoll
      .poll({
        wanted,
        cursor: request.cursor,
        admission,
        address: ADDRESS,
        timeoutMs: 0,
        limit,
        peer,
        transport: 'nats',
        send: ({ body }) => void channel.send(inbox, { contentType: FEED_CONTENT_TYPES.message, body }),
      })
      .finally(() => peer.leave());
  }

  async #open({ address, inbox, request, wanted, admission }: Order): Promise<void> {
    const { opener } = this.#options;
    const number = (this.#numbers += 1);
    const slot = await this.#takeSlot(address, inbox, admission);
    const feed = new Feed(this.#options, {
      number,
      address,
      inbox,
      request,
      onOver: () => this.#feeds.delete(number),
    });
    const side = { transport: 'nats', wire: 'poll', tick: 0, subscription: '', sink: feed.sink } as const;
    const order = { wanted, cursor: request.cursor, admission, address: ADDRESS, side };
    await opener.open(order, slot, (opened) => {
      this.#feeds.set(number, feed);
      feed.begin(opened);
      startStream(this.#options, opened, feed.sink);
    });
  }

  /** Whoever has gone without a word still has its places, until something is sent to it: so that is done first. */
  async #takeSlot(address: SubscriberAddress, inbox: string, { reader }: Admission): Promise<Slot> {
    const { slots, clock } = this.#options;
    const principal = reader.principalId ?? ANONYMOUS_PRINCIPAL;
    const take = async (): Promise<Slot> =>
      isNotifierInboxOf(address, inbox) ? this.#takeWebhook(principal) : await slots.take(principal);
    try {
      return await take();
    } catch (error) {
      const feeds = this.#feedsOf(address);
      if (feeds.length === 0) throw error;
      for (const { sink } of feeds) sink.probe();
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.setTimeout(resolve, PROBE_MS);
      await promise;
      return await take();
    }
  }

  #takeWebhook(principal: string): Slot {
    const release = this.#webhooks.take(principal);
    if (release !== undefined) return { share: async () => undefined, release };
    throw new TidewireError('TOO_MANY_CONNECTIONS', 'As many webhooks are followed as there can be', {
      retryAfterSeconds: 5,
    });
  }

  #feedsOf(address: SubscriberAddress): readonly Feed[] {
    const name = formatSubscriber(address);
    return [...this.#feeds.values()].filter((feed) => formatSubscriber(feed.address) === name);
  }

  #answered({ address, token }: FeedAnswerSubject, text: string | typeof NOBODY): void {
    if (token.startsWith('g')) {
      this.#options.groups.answered(address, token, text);
      return;
    }
    const [number = Number.NaN, message = Number.NaN] = token.split('-').map(Number);
    const feed = this.#feeds.get(number);
    if (feed === undefined || formatSubscriber(feed.address) !== formatSubscriber(address)) return;
    feed.answered(message, text);
  }

  #forgetAbandoned(): void {
    const now = this.#options.clock.monotonic();
    for (const feed of this.#feeds.values()) if (feed.isAbandoned(now)) feed.sink.abandon();
  }

  #abandonAll(): void {
    this.#options.groups.abandon();
    for (const feed of this.#feeds.values()) feed.sink.abandon();
  }
}

/** An inbox takes everything at once, and nobody can see whether somebody listens: it is gone when it was answered. */
class InboxPeer implements PollPeer {
  readonly gone = false;
  #leave: (() => void) | undefined;

  onGone(listener: () => void): void {
    this.#leave = listener;
  }

  queuedBytes(): number {
    return 0;
  }

  reset(): void {}

  leave(): void {
    this.#leave?.();
  }
}

function tooMany(): TidewireError {
  return new TidewireError('RATE_LIMITED', 'Too many requests of this subscriber at once', {
    retryAfterSeconds: 1,
  });
}
