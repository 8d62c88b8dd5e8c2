import { SIGNAL_SUBJECTS } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool, Timer } from '@tidewire/service-kit';
import { endExpired } from './credential-repository-postgres.ts';
import type { AuthzMetrics } from './metrics.ts';
import type { AttemptLimit } from './passwords/attempt-limit-postgres.ts';
import { forgetAccessTokens } from './oidc/access-token-repository-postgres.ts';
import { forgetSessions } from './sessions/session-repository-postgres.ts';

/**
 * Ends credentials whose time is over, so that the log tells every process and open streams end, and forgets sessions and
 * access tokens of which nobody has to know any more.
 */
export interface ExpirySweep {
  /** Begins to sweep; the first time at once. */
  start(): void;
  /** Ends what has expired by now. */
  sweep(): Promise<void>;
  /** Whether the last sweep reached the database. */
  readonly reachedDatabase: boolean;
  /** Stops and waits for a sweep that is running. */
  stop(): Promise<void>;
}

export interface ExpirySweepOptions {
  readonly pool: Pool;
  readonly bus: Pick<MessageBus, 'signal'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AuthzMetrics;
  /** Counts of failed logins, which are forgotten in time. */
  readonly attempts: Pick<AttemptLimit, 'sweep'>;
  readonly intervalMs: number;
}

/** Ended per statement: short locks, and a log that others get a turn in. */
const BATCH = 500;

export function createExpirySweep(options: ExpirySweepOptions): ExpirySweep {
  const { pool, bus, clock, logger, metrics } = options;
  let reachedDatabase = false;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let isDue = false;

  const sweep = async (): Promise<void> => {
    try {
      let ended: number;
      do {
        ended = await endExpired(pool, clock.now(), BATCH);
        if (ended > 0) bus.signal(SIGNAL_SUBJECTS.poke);
        metrics.expired.inc(ended);
      } while (ended === BATCH);
      await options.attempts.sweep();
      await forgetAccessTokens(pool, clock.now(), BATCH);
      await forgetSessions(pool, clock.now(), BATCH);
      reachedDatabase = true;
    } catch (error) {
      // Said once per outage: the sweep comes every second.
      if (reachedDatabase) logger.warn('expired credentials could not be ended', { error });
      reachedDatabase = false;
    }
  };
  // What expires while a sweep runs is not left for the time after next: the one that was due follows at once.
  const tick = (): void => {
    if (running !== undefined) {
      isDue = true;
      return;
    }
    running = sweep().finally(() => {
      running = undefined;
      if (!isDue) return;
      isDue = false;
      tick();
    });
  };

  return {
    start() {
      tick();
      timer = clock.setInterval(tick, options.intervalMs);
    },
    sweep,
    get reachedDatabase() {
      return reachedDatabase;
    },
    async stop() {
      timer?.cancel();
      isDue = false;
      await running;
    },
  };
}
