import { errorCodeRow, formatEventId, parseEventId } from '@tidewire/contract';
import type { FeedEnd, LogPosition, TidewireError } from '@tidewire/contract';
import type { FeedSource, FeedStream } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { Logger } from '@tidewire/service-kit';
import { hostOf } from '../targets/target-url.ts';
import { deliver } from './delivery.ts';
import type { DeliveryOptions, Next, Told } from './delivery.ts';
import type { DeliveryPlaces } from './delivery-places.ts';
import { disableWebhook, findHeld, writePlace } from './progress-repository-postgres.ts';
import type { Trouble } from './trouble.ts';
import type { Failing, HeldWebhook } from './webhook.ts';
import { askFeed, followFeed, isFinal } from './webhook-feed.ts';
import { releaseWebhook } from './worker-repository-postgres.ts';

export interface WebhookRunnerOptions extends DeliveryOptions {
  readonly source: FeedSource;
  readonly places: DeliveryPlaces;
  readonly trouble: Trouble;
  /** How often a quiet stream says where it is, milliseconds. */
  readonly heartbeatMs: number;
  readonly logger: Logger;
}

/** An event that waited for a place for so long is judged again. */
const FRESH_MS = 2000;

/** Delivers one webhook, from when this process takes it until it lets it go: one event after another, each once it is delivered. */
export class WebhookRunner {
  readonly id: string;
  readonly #options: WebhookRunnerOptions;
  /** Nothing new is begun. */
  readonly #stopping = new AbortController();
  /** What is on its way is given up, too. */
  readonly #ending = new AbortController();
  #stream: FeedStream | undefined;
  /** Of the settings that the stream was asked for with. */
  #revision: number | undefined;
  #delivering = false;

  constructor(options: WebhookRunnerOptions, id: string) {
    this.#options = options;
    this.id = id;
  }

  /** Resolves when the webhook is let go. Never rejects. */
  async run(): Promise<void> {
    const { pool, instance, logger } = this.#options;
    try {
      while (!this.#stopped) {
        const webhook = await findHeld(pool, this.id, instance);
        if (webhook === undefined || (await this.#follow(webhook)) === 'over') break;
      }
      await releaseWebhook(pool, instance, this.id);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      // It stays this process's, which finds out that nobody delivers it.
      const isOutage = toTidewireError(error).code === 'SERVICE_UNAVAILABLE';
      // There may be thousands, and who looks for webhooks says once that the database is away.
      logger[isOutage ? 'debug' : 'error']('a webhook is interrupted', { id: this.id, error });
    }
  }

  /** Begins nothing new; what is on its way may still arrive. */
  stop(): void {
    this.#stopping.abort();
    if (!this.#delivering) this.#stream?.stop();
  }

  /** Gives up at once. */
  abort(): void {
    this.#ending.abort();
    this.stop();
    this.#stream?.stop();
  }

  /** Its owner may have changed it: an idle stream would go on with what it was asked for. */
  refresh(revision: number): void {
    if (this.#revision === undefined || this.#revision === revision || this.#delivering) return;
    this.#stream?.stop();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Reads one stream to its end. */
  async #follow(held: HeldWebhook): Promise<'again' | 'over'> {
    const { source, random, trouble, heartbeatMs } = this.#options;
    let webhook = held;
    let reached = held.cursor;
    this.#revision = held.revision;
    const stream = followFeed(source, held, { random: random(), heartbeatMs });
    this.#stream = stream;
    // Told to while it was being asked for.
    if (this.#stopped) stream.stop();
    try {
      for (;;) {
        const message = await stream.next();
        switch (message.kind) {
          case 'subscribed':
            trouble.over();
            break;
          case 'position':
            reached = parseEventId(message.eventId) ?? reached;
            break;
          case 'event':
          case 'resync': {
            const next = await this.#whileDelivering(() => this.#deliver(webhook, message));
            if (next === 'again' || next === 'over') return next;
            webhook = next.on;
            reached = webhook.cursor;
            if (this.#stopped) stream.stop();
            break;
          }
          case 'end':
            return await this.#ended(webhook, reached, message.end);
          case 'refused':
            return await this.#refused(webhook, reached, message.error);
          case 'lost':
            return await this.#lost(webhook, reached, held.revision);
        }
      }
    } finally {
      this.#stream = undefined;
      stream.stop();
    }
  }

  async #whileDelivering(work: () => Promise<Next>): Promise<Next> {
    this.#delivering = true;
    try {
      return await work();
    } finally {
      this.#delivering = false;
    }
  }

  async #deliver(webhook: HeldWebhook, told: Told): Promise<Next> {
    const { places, clock, pool, instance, source } = this.#options;
    const askedAt = clock.monotonic();
    const destination = { host: hostOf(new URL(webhook.url)), principal: webhook.principal };
    const place = await this.#unlessStopped(places.enter(destination, this.#stopping.signal));
    if (place === undefined) return 'over';
    try {
      let current = told;
      const isStale = clock.monotonic() - askedAt > FRESH_MS;
      if (isStale) {
        this.#stream?.stop();
        const answer = await askFeed(source, webhook, webhook.cursor).catch(() => undefined);
        if (answer === undefined || answer.kind === 'position') return 'again';
        current = answer;
      }
      // What its owner said last counts: another URL, another secret, or nothing any more.
      const now = await findHeld(pool, this.id, instance);
      if (now === undefined || this.#stopped) return 'over';
      if (now.revision !== webhook.revision || !isSame(now.cursor, webhook.cursor)) return 'again';
      const next = await deliver(this.#options, now, current, this.#ending.signal);
      return isStale && typeof next === 'object' ? 'again' : next;
    } finally {
      place();
    }
  }

  async #ended(webhook: HeldWebhook, reached: LogPosition, end: FeedEnd): Promise<'again' | 'over'> {
    const place = parseEventId(end.lastEventId ?? '') ?? reached;
    // It did what was asked for, or another gateway goes on.
    if (end.code === undefined || errorCodeRow(end.code).retry === 'cursor') {
      return await this.#moved(webhook, place, 0, 'again');
    }
    if (isFinal(end.code)) return await this.#disable(webhook, `${end.code}: ${end.reason}`);
    return await this.#moved(webhook, place, this.#options.trouble.delay(), 'over');
  }

  async #refused(
    webhook: HeldWebhook,
    reached: LogPosition,
    { code, message, retryAfterSeconds }: TidewireError,
  ): Promise<'over'> {
    if (isFinal(code)) return await this.#disable(webhook, `${code}: ${message}`);
    const delayMs = this.#options.trouble.delay(retryAfterSeconds);
    await this.#moved(webhook, reached, delayMs, 'over');
    return 'over';
  }

  /** Nobody knows what is missing; or this process wanted no more of it. */
  async #lost(webhook: HeldWebhook, reached: LogPosition, revision: number): Promise<'again' | 'over'> {
    if (this.#ending.signal.aborted) return 'over';
    if (this.#stopped) return await this.#moved(webhook, reached, 0, 'over');
    const { pool, instance, trouble } = this.#options;
    const now = await findHeld(pool, this.id, instance);
    if (now === undefined) return 'over';
    const delayMs = now.revision === revision ? trouble.delay() : 0;
    return await this.#moved(webhook, reached, delayMs, delayMs === 0 ? 'again' : 'over');
  }

  /** Writes how far the feed is, so that the place of somebody who sees little does not become older than the log. */
  async #moved<Then extends 'again' | 'over'>(
    webhook: HeldWebhook,
    cursor: LogPosition,
    delayMs: number,
    then: Then,
  ): Promise<Then> {
    if (delayMs === 0 && isSame(cursor, webhook.cursor)) return then;
    const { pool, instance, clock } = this.#options;
    const failing = stillFailing(webhook.failing, webhook.cursor, cursor);
    const place = { cursor, failing, dueAtMs: clock.now() + delayMs };
    await writePlace(pool, { webhook, instance }, place);
    return then;
  }

  async #disable(webhook: HeldWebhook, reason: string): Promise<'over'> {
    const { pool, instance, logger } = this.#options;
    await disableWebhook(pool, { webhook, instance }, reason);
    logger.info('a webhook is disabled', { id: webhook.id });
    return 'over';
  }

  async #unlessStopped<Result>(work: Promise<Result>): Promise<Result | undefined> {
    try {
      return await work;
    } catch (error) {
      if (this.#stopped) return undefined;
      throw error;
    }
  }
}

/** The event that failed, unless the place is beyond it: then it is not for the owner any more. */
function stillFailing(failing: Failing | null, from: LogPosition, to: LogPosition): Failing | null {
  if (failing === null || isSame(from, to)) return failing;
  const isEvent = parseEventId(failing.eventId) !== undefined;
  return isEvent && failing.eventId > formatEventId(to) ? failing : null;
}

function isSame(a: LogPosition, b: LogPosition): boolean {
  return a.epoch === b.epoch && a.sequence === b.sequence;
}
