import type { Clock, Logger } from '@tidewire/service-kit';
import { PublishQueue, formatMessage } from './publish-queue.ts';
import type { QueuedMessage } from './publish-queue.ts';
import { RedisLink } from './redis-link.ts';

export interface RedisPublisherOptions {
  readonly url: string;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Running totals since the start. */
export interface PublisherCounters {
  readonly published: number;
  /** Of those, the ones that nobody listened to: no notify_push is connected to this Redis. */
  readonly unheard: number;
  /** Messages with a body that were not published; their users are notified when Redis is back. */
  readonly dropped: number;
}

const LIMITS = Object.freeze({ messages: 10_000, ageMs: 60_000 });
/** Messages of each kind that are sent before an answer is waited for. */
const BATCH = 500;
const ANSWER_MS = 4000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Publishes into a Redis that may be away, slow or refuse: nobody waits for it. It is connected to when there is something to
 * say, and tried again more and more seldom while that fails. What was sent and not answered is sent again.
 */
export class RedisPublisher {
  readonly #options: RedisPublisherOptions;
  readonly #queue = new PublishQueue(LIMITS);
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #link: RedisLink | undefined;
  #published = 0;
  #unheard = 0;
  #failing = false;
  #wake = (): void => undefined;

  constructor(options: RedisPublisherOptions) {
    this.#options = options;
  }

  get counters(): PublisherCounters {
    return { published: this.#published, unheard: this.#unheard, dropped: this.#queue.dropped };
  }

  start(): void {
    this.#running = this.#publishForEver();
  }

  /** Publishes what waits, unless Redis is away; resolves when it is let go of. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    if (this.#failing) this.#link?.close();
    await this.#running;
    this.#link?.close();
  }

  /** Tells a user the name and body of a message. */
  tell(
    principal: string,
    user: string,
    custom: Pick<NonNullable<QueuedMessage['custom']>, 'name' | 'body'>,
  ): void {
    this.#queue.push({ principal, user, custom: { ...custom, at: this.#options.clock.monotonic() } });
    this.#wake();
  }

  /** Tells a user to look, once, however often it was asked for meanwhile. */
  notify(principal: string, user: string): void {
    this.#queue.push({ principal, user });
    this.#wake();
  }

  /** What waits for these principals is told as "look" only. */
  withdraw(isMeant: (principal: string) => boolean): void {
    this.#queue.withdraw(isMeant);
  }

  forget(principal: string): void {
    this.#queue.forget(principal);
  }

  async #publishForEver(): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    // The first connection shows early what is wrong with the settings.
    let isFirst = true;
    for (;;) {
      if (!isFirst && this.#queue.empty) await this.#untilWoken();
      if (signal.aborted && (this.#failing || this.#queue.empty)) return;
      isFirst = false;
      try {
        await this.#publishSome(await this.#connected());
        this.#succeeded();
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        this.#failed(error, pauseMs);
        await this.#pause(pauseMs * (0.5 + this.#options.random() / 2));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async #connected(): Promise<RedisLink> {
    if (this.#link?.isOpen === true) return this.#link;
    const { url, clock } = this.#options;
    this.#link?.close();
    this.#link = new RedisLink({ url, clock, answerMs: ANSWER_MS });
    await this.#link.connect();
    return this.#link;
  }

  /** @throws the first reason why something was not published: that waits again then, in its place. */
  async #publishSome(link: RedisLink): Promise<void> {
    const messages = this.#queue.take(BATCH, this.#options.clock.monotonic());
    if (messages.length === 0) return;
    const outcomes = await link.publish(messages.map(formatMessage));
    const again: QueuedMessage[] = [];
    let reason: unknown;
    for (const [index, message] of messages.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === 'fulfilled') {
        this.#published += 1;
        if (outcome.value === 0) this.#unheard += 1;
      } else {
        again.push(message);
        reason ??= outcome?.reason;
      }
    }
    this.#queue.giveBack(again);
    if (again.length > 0) throw reason;
  }

  #succeeded(): void {
    if (this.#failing) this.#options.logger.info('the Redis of the Nextcloud is told again');
    this.#failing = false;
  }

  #failed(error: unknown, delayMs: number): void {
    this.#link?.close();
    this.#queue.expire(this.#options.clock.monotonic());
    if (!this.#failing) {
      this.#options.logger.warn('the Redis of the Nextcloud cannot be told', {
        error,
        code: codeOf(error),
        delayMs,
      });
    }
    this.#failing = true;
  }

  async #untilWoken(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = () => undefined;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, ms);
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }
}

/** What Redis refuses with begins with a word: WRONGPASS, NOPERM, READONLY. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? /^[A-Z]{3,}(?= )/.exec(error.message)?.[0] : undefined;
}
