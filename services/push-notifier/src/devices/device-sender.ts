import { inTransaction } from '@tidewire/service-kit';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import type { Device } from './device.ts';
import { changedMessage } from './device-message.ts';
import type { PostToDevice } from './device-post.ts';
import { removeUnchanged } from './device-repository-postgres.ts';
import { planRetry } from './retry-schedule.ts';
import type { Outcome } from './outcome.ts';
import {
  buryWakeUp,
  dropWakeUp,
  forgetDeadLetters,
  postponeWakeUp,
  putBack,
  recordDelivery,
  takeWakeUps,
} from './wake-up-repository-postgres.ts';
import type { DeadLetter, TakenWakeUp } from './wake-up-repository-postgres.ts';

/** Whether a device may be told now that something changed; `gone`: its credential has ended, and it goes too. */
export type Telling = 'yes' | 'no' | 'gone';

/** What became of a message: `dropped`, its device may not be told; `retried`, it is tried again; `dead`, no more. */
export type Sent = 'delivered' | 'gone' | 'dropped' | 'retried' | 'dead';

export interface DeviceSenderOptions {
  readonly pool: Pool;
  readonly post: PostToDevice;
  readonly clock: Pick<Clock, 'now' | 'setTimeout'>;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Asked at each attempt, as of then. A rejection means that nobody can say now: the attempt does not count. */
  readonly mayTell: (device: Device) => Promise<Telling>;
  /** Told once of every message that was given up, after that was written down. */
  readonly onDeadLetter: (letter: DeadLetter) => Promise<void> | void;
  /** For metrics. */
  readonly onSent?: (sent: Sent) => void;
  /** Messages under way at once over all; 64 when absent. */
  readonly total?: number;
  /** Those to one host; 4 when absent. No more than the client of the targets lets through. */
  readonly perHost?: number;
  /** Those of one principal; 4 when absent. */
  readonly perPrincipal?: number;
}

/** How often is looked for what is due. */
const LOOK_MS = 1000;
/** Longer than an attempt takes: waiting for others, the target's answer, and what is asked of the database. */
const LEASE_MS = 60_000;
/** When nobody could say whether a device may be told, or the database was away. */
const NOT_NOW_MS = 5000;
const MOST_FAILURES = 50;
const FORGET_AFTER_MS = 30 * 86_400_000;
const FORGET_AT_ONCE = 1000;

/** Tells devices that something changed. Any number of processes do so together. */
export class DeviceSender {
  readonly #options: DeviceSenderOptions;
  readonly #limits: { readonly total: number; readonly perHost: number; readonly perPrincipal: number };
  readonly #running = new Set<Promise<void>>();
  readonly #hosts = new Map<string, number>();
  readonly #principals = new Map<string, number>();
  readonly #stop = new AbortController();
  #look: () => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: DeviceSenderOptions) {
    this.#options = options;
    const { total = 64, perHost = 4, perPrincipal = 4 } = options;
    this.#limits = { total, perHost, perPrincipal };
  }

  start(): void {
    this.#loop = this.#sendForEver();
  }

  /** Looks now for what is due, and not in a second. */
  nudge(): void {
    this.#look();
  }

  /** Begins nothing more and ends what is under way; resolves when that is given back for others to send. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the sender stops'));
    this.#look();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #sendForEver(): Promise<void> {
    const { pool, clock, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const looked = this.#nextLook();
      try {
        const free = this.#limits.total - this.#running.size;
        const taken = free > 0 ? await takeWakeUps(pool, this.#request(free)) : [];
        for (const wakeUp of taken) this.#begin(wakeUp);
        if (taken.length === free && free > 0) continue;
      } catch (error) {
        logger.warn('devices could not be looked for', { error });
      }
      const timer = clock.setTimeout(() => this.#look(), LOOK_MS);
      if (!signal.aborted) await looked;
      timer.cancel();
    }
  }

  /** Resolves at the next call of `#look`; calls that come before it is waited for count. */
  #nextLook(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = resolve;
    return promise;
  }

  #request(free: number): Parameters<typeof takeWakeUps>[1] {
    const { perHost, perPrincipal } = this.#limits;
    return {
      nowMs: this.#options.clock.now(),
      limit: free,
      leaseMs: LEASE_MS,
      hosts: this.#hosts,
      perHost,
      principals: this.#principals,
      perPrincipal,
    };
  }

  #begin(wakeUp: TakenWakeUp): void {
    const { host, principal } = wakeUp.device;
    add(this.#hosts, host, 1);
    add(this.#principals, principal, 1);
    const running = this.#send(wakeUp).finally(() => {
      this.#running.delete(running);
      add(this.#hosts, host, -1);
      add(this.#principals, principal, -1);
      this.#look();
    });
    this.#running.add(running);
  }

  async #send(wakeUp: TakenWakeUp): Promise<void> {
    const { pool, clock, logger, onSent } = this.#options;
    try {
      const sent = await this.#attempt(wakeUp);
      if (sent !== undefined) onSent?.(sent);
    } catch (error) {
      const { aborted } = this.#stop.signal;
      if (!aborted) logger.warn('a device could not be told', { error });
      const dueMs = clock.now() + (aborted ? 0 : NOT_NOW_MS);
      // Whatever fails here is somebody's again when the lease is over.
      await putBack(pool, wakeUp, dueMs).catch(() => undefined);
    }
  }

  async #attempt(wakeUp: TakenWakeUp): Promise<Sent | undefined> {
    const { pool, clock, post, mayTell } = this.#options;
    const { device, since, topics } = wakeUp;
    const telling = await mayTell(device);
    this.#stop.signal.throwIfAborted();
    switch (telling) {
      case 'gone':
        return await this.#remove(wakeUp);
      case 'no':
        await dropWakeUp(pool, wakeUp, clock.now());
        return 'dropped';
      case 'yes':
        return await this.#settle(
          wakeUp,
          await post(device, changedMessage(since, topics), this.#stop.signal),
        );
    }
  }

  async #settle(wakeUp: TakenWakeUp, outcome: Outcome): Promise<Sent | undefined> {
    const { pool, clock, random } = this.#options;
    switch (outcome.kind) {
      case 'delivered':
        await recordDelivery(pool, wakeUp, clock.now());
        return 'delivered';
      case 'gone':
        return await this.#remove(wakeUp);
      case 'refused':
        return await this.#bury(wakeUp, outcome.reason);
      case 'later': {
        const nowMs = clock.now();
        const next = planRetry(outcome, { ...wakeUp, nowMs }, random());
        if (next.kind === 'never') return await this.#bury(wakeUp, outcome.reason);
        await postponeWakeUp(pool, wakeUp, nowMs + next.delayMs);
        return 'retried';
      }
    }
  }

  /** Undefined when its owner has registered it anew meanwhile. */
  async #remove(wakeUp: TakenWakeUp): Promise<Sent | undefined> {
    const { pool, clock } = this.#options;
    if (await removeUnchanged(pool, wakeUp.device)) return 'gone';
    await putBack(pool, wakeUp, clock.now());
    return undefined;
  }

  async #bury(wakeUp: TakenWakeUp, reason: string): Promise<Sent | undefined> {
    const { pool, clock, logger, onDeadLetter } = this.#options;
    const { attempt: attempts, firstAtMs: firstAt, device } = wakeUp;
    const nowMs = clock.now();
    const buried = await inTransaction(pool, {}, (client) =>
      buryWakeUp(client, wakeUp, { reason, attempts, firstAt, nowMs, mostFailures: MOST_FAILURES }),
    );
    if (buried === undefined) return undefined;
    try {
      await onDeadLetter({ deviceId: device.id, principal: device.principal, reason, attempts, firstAt });
      await forgetDeadLetters(pool, nowMs - FORGET_AFTER_MS, FORGET_AT_ONCE);
    } catch (error) {
      logger.warn('a message that was given up could not be told of', { error });
    }
    return 'dead';
  }
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
