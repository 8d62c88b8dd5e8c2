import type { Clock } from '@tidewire/service-kit';
import { createClient } from '@redis/client';

/** Channel and text of a message of Redis. */
export type RedisMessage = readonly [channel: string, text: string];

export interface RedisLinkOptions {
  readonly url: string;
  readonly clock: Pick<Clock, 'setTimeout'>;
  /** How long Redis may take to answer, milliseconds: one that is silent is given up. */
  readonly answerMs: number;
}

type Client = ReturnType<typeof createPublisher>;

/** One connection to Redis, which is not made again when it breaks: whoever has it sees to that. */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #client: Client;
  #isReached = false;
  #isGivenUp = false;

  /** @throws an Error when the URL holds what cannot be decoded. */
  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#client = createPublisher(options);
    // What breaks the connection rejects what waits for it.
    this.#client.on('error', () => undefined);
    this.#client.on('connect', () => {
      this.#isReached = true;
      if (this.#isGivenUp) this.close();
    });
  }

  get isOpen(): boolean {
    return this.#client.isReady;
  }

  /** @throws when it cannot be reached, refuses, or does not answer; the link is closed then. */
  async connect(): Promise<void> {
    try {
      await this.#withinTime(() => this.#client.connect());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Publishes messages together. Of each: by how many it was heard, or why it was not published. */
  async publish(messages: readonly RedisMessage[]): Promise<readonly PromiseSettledResult<number>[]> {
    return await this.#withinTime(() =>
      Promise.allSettled(messages.map(([channel, text]) => this.#client.publish(channel, text))),
    );
  }

  /** What waits for an answer is rejected. */
  close(): void {
    this.#isGivenUp = true;
    // A client that is destroyed while it is being connected would go on with that; the time for it is short.
    if (this.#isReached && this.#client.isOpen) this.#client.destroy();
  }

  async #withinTime<Result>(work: () => Promise<Result>): Promise<Result> {
    const { clock, answerMs } = this.#options;
    const timer = clock.setTimeout(() => this.close(), answerMs);
    try {
      return await work();
    } finally {
      timer.cancel();
    }
  }
}

function createPublisher({ url, answerMs }: RedisLinkOptions) {
  return createClient({
    url,
    // What a Redis of any age knows, and an account that may do nothing but publish.
    RESP: 2,
    disableClientInfo: true,
    disableOfflineQueue: true,
    socket: { connectTimeout: answerMs / 2, reconnectStrategy: false },
  });
}
