import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { SharedWork } from '@tidewire/service-kit';
import { WebhookRunner } from './webhook-runner.ts';
import type { WebhookRunnerOptions } from './webhook-runner.ts';
import { claimWebhooks, keepAlive, leave, listHeld } from './worker-repository-postgres.ts';

export interface WebhookRunnersOptions extends WebhookRunnerOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often is looked for webhooks that are due. */
const TICK_MS = 1000;
/** A process that says nothing for so long has lost its webhooks to the others. */
const LEASE_MS = 15_000;
const KEEP_ALIVE_MS = 5000;
/** Webhooks that one process delivers, and takes at a time. */
const MOST = 10_000;
const MOST_AT_ONCE = 200;

/** The webhooks that this process delivers: takes those that are due, and shares them with the other processes. */
export class WebhookRunners {
  readonly #options: WebhookRunnersOptions;
  readonly #runners = new Map<string, { readonly runner: WebhookRunner; readonly done: Promise<void> }>();
  readonly #work: SharedWork;
  #timer: Timer | undefined;
  #aliveUntil = Number.NEGATIVE_INFINITY;
  #draining = false;
  #troubled = false;

  constructor(options: WebhookRunnersOptions) {
    this.#options = options;
    this.#work = new SharedWork(() => this.#look());
  }

  /** Webhooks that are delivered here now. */
  get size(): number {
    return this.#runners.size;
  }

  start(): void {
    this.#timer = this.#options.clock.setInterval(() => void this.wake(), TICK_MS);
    void this.wake();
  }

  /** Looks for what is due. Resolves when that is done, also when the database could not be asked. */
  async wake(): Promise<void> {
    try {
      await this.#work.run();
      this.#troubled = false;
    } catch (error) {
      // Once for each outage.
      if (!this.#troubled) this.#options.logger.warn('webhooks cannot be looked for', { error });
      this.#troubled = true;
    }
  }

  /** Begins nothing new; resolves when what was on its way has come to an end. Others take over from here. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const { runner } of this.#runners.values()) runner.stop();
    await this.#allDone();
  }

  async stop(): Promise<void> {
    this.#draining = true;
    this.#timer?.cancel();
    for (const { runner } of this.#runners.values()) runner.abort();
    await this.#allDone();
    const { pool, instance, logger } = this.#options;
    try {
      await leave(pool, instance);
    } catch (error) {
      logger.warn('webhooks are not handed over', { error });
    }
  }

  async #look(): Promise<void> {
    const { pool, source, instance, clock } = this.#options;
    // Without the gateways nothing can be delivered here: whoever reaches them takes over.
    if (this.#draining || !source.connected) return;
    // One time for all of it: this process must not find itself dead because something took long.
    const nowMs = clock.now();
    await this.#keepAlive(nowMs);
    this.#compare(await listHeld(pool, instance));
    const held = this.#runners.size;
    const most = Math.min(MOST - held, MOST_AT_ONCE);
    const { ids, share } = await claimWebhooks(pool, { instance, nowMs, held, most });
    for (const id of ids) this.#begin(id);
    this.#handOver(held - share);
  }

  async #keepAlive(nowMs: number): Promise<void> {
    if (this.#aliveUntil - nowMs > LEASE_MS - KEEP_ALIVE_MS) return;
    const { pool, instance } = this.#options;
    await keepAlive(pool, instance, nowMs + LEASE_MS);
    this.#aliveUntil = nowMs + LEASE_MS;
  }

  /** What this process holds is what it delivers, as its owner wants it now. */
  #compare(held: Awaited<ReturnType<typeof listHeld>>): void {
    const revisions = new Map(held.map(({ id, revision }) => [id, revision]));
    for (const [id, { runner }] of this.#runners) {
      const revision = revisions.get(id);
      // Disabled, deleted, or another process's: what is on its way may arrive, and cannot be written down.
      if (revision === undefined) runner.stop();
      else runner.refresh(revision);
    }
    for (const { id } of held) this.#begin(id);
  }

  #begin(id: string): void {
    // One that is coming to its end is begun anew by the next look.
    if (this.#draining || this.#runners.has(id)) return;
    const runner = new WebhookRunner(this.#options, id);
    const done = runner.run().finally(() => this.#runners.delete(id));
    this.#runners.set(id, { runner, done });
  }

  /** To processes that came later. */
  #handOver(tooMany: number): void {
    for (const { runner } of [...this.#runners.values()].slice(0, Math.max(0, tooMany))) runner.stop();
  }

  async #allDone(): Promise<void> {
    await Promise.all([...this.#runners.values()].map(({ done }) => done));
  }
}
