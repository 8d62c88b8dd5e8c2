import { FEED_ANSWERS } from '@tidewire/contract';
import type { CloudEvent, FeedRequest } from '@tidewire/contract';
import { SubscriberClient } from '@tidewire/test-kit';
import type { FeedClient, InboxMessage } from '@tidewire/test-kit';
import { createApi } from './api.ts';

export interface FeedFollowerOptions {
  /** The one origin, which tells whose token it is. */
  readonly origin: string;
  /** Where subscribers reach NATS. */
  readonly servers: string | readonly string[];
  readonly token: string;
  readonly topics: readonly string[];
  readonly heartbeatMs?: number;
  /** Of a worker. */
  readonly group?: string;
}

/** How long one request lasts. */
const EXPIRES_MS = 60_000;
/** Heartbeats that may be missing before it asks again. */
const PATIENCE = 2.5;

/**
 * Follows topics on NATS for as long as it lives, as the recipes do: it keeps the cursor, answers what wants an answer, and
 * asks again after an end, a silence or a reconnect.
 */
export class FeedFollower implements AsyncDisposable {
  readonly events: CloudEvent[] = [];
  readonly resyncs: string[] = [];
  readonly refusals: string[] = [];
  /** Told of each event as it comes. */
  onEvent: (event: CloudEvent) => void = () => undefined;
  cursor: string | undefined;
  readonly #options: FeedFollowerOptions;
  readonly #client: SubscriberClient;
  #feed: FeedClient | undefined;
  #silence: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: FeedFollowerOptions, client: SubscriberClient) {
    this.#options = options;
    this.#client = client;
  }

  /** Resolves when it was told from where it follows. */
  static async open(options: FeedFollowerOptions): Promise<FeedFollower> {
    const { origin, token, servers } = options;
    const me = await createApi(origin, token).send<{ principal: { id: string } }>('GET', '/api/auth/me');
    const client = await SubscriberClient.open({
      servers,
      subscriber: me.principal.id,
      credential: { token },
      connection: { maxReconnectAttempts: -1, reconnectTimeWait: 100, ignoreAuthErrorAbort: true },
    });
    const follower = new FeedFollower(options, client);
    void follower.#askAfterReconnects();
    await follower.#ask();
    await follower.#feed?.until(({ messages }) => messages.length > 0, 'it follows');
    return follower;
  }

  get connected(): boolean {
    return !this.#client.connection.isClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#silence);
    this.#feed?.leave();
    await this.#client[Symbol.asyncDispose]();
  }

  async #askAfterReconnects(): Promise<void> {
    for await (const { type } of this.#client.connection.status()) {
      if (type === 'reconnect') await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const { topics, heartbeatMs = 1000, group } = this.#options;
    this.#feed?.leave();
    if (this.#closed || this.#client.connection.isClosed()) return;
    this.#watchSilence();
    const request: FeedRequest = {
      topics: [...topics],
      heartbeat: heartbeatMs,
      expires: EXPIRES_MS,
      ...(this.cursor !== undefined && group === undefined && { cursor: this.cursor }),
      ...(group !== undefined && { group }),
    };
    try {
      this.#feed = await this.#client.feed(request, { answer: (message) => this.#take(message) });
    } catch {
      // Without a connection the silence asks again.
    }
  }

  #take(message: InboxMessage): string {
    const { body } = message;
    this.#watchSilence();
    if (message.errorCode !== '') {
      this.refusals.push(body.code);
      setTimeout(() => void this.#ask(), 200);
    } else if ('specversion' in body) {
      this.events.push(body as CloudEvent);
      this.cursor = body.id;
      this.onEvent(body as CloudEvent);
    } else if (body.type === 'end') {
      if (body.reconnect) void this.#ask();
    } else {
      if (body.type === 'resync') this.resyncs.push(body.reason);
      this.cursor = body.current ?? body.eventId ?? this.cursor;
    }
    return FEED_ANSWERS.done;
  }

  #watchSilence(): void {
    clearTimeout(this.#silence);
    if (this.#closed) return;
    const { heartbeatMs = 1000 } = this.#options;
    this.#silence = setTimeout(() => void this.#ask(), heartbeatMs * PATIENCE);
  }
}
