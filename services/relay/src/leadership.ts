import type { Logger } from '@tidewire/service-kit';
import type { LeaderSession } from './leader-session-postgres.ts';

export interface LeadershipOptions {
  readonly openSession: () => Promise<LeaderSession>;
  /** Runs while this process leads; the lock is held until it settles. */
  readonly lead: (session: LeaderSession, signal: AbortSignal) => Promise<void>;
  readonly onStanding: (standing: Standing) => void;
  readonly logger: Logger;
}

/** `apart`: the database cannot be reached. `standby`: another process leads, and this one takes over when it goes. */
export type Standing = 'apart' | 'standby' | 'leading';

/** How often a standby asks for the lock: about what a take-over takes. */
const ASK_INTERVAL_MS = 100;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** Having led for so long counts as success. */
const STEADY_MS = 2000;

/** Leads whenever nobody else does, until the signal aborts. Never throws. */
export async function runLeadership(options: LeadershipOptions, signal: AbortSignal): Promise<void> {
  const { logger, onStanding } = options;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let session: LeaderSession | undefined;
    try {
      session = await options.openSession();
      onStanding('standby');
      await untilLeading(session, signal);
      if (!signal.aborted) {
        onStanding('leading');
        logger.info('this relay leads');
        const ledFrom = performance.now();
        await options.lead(session, AbortSignal.any([signal, session.lost])).finally(() => {
          // One that fails at once (no tables yet, say) is not tried twenty times a second.
          if (performance.now() - ledFrom > STEADY_MS) pauseMs = FIRST_PAUSE_MS;
        });
      }
    } catch (error) {
      if (!signal.aborted) logger.warn('the relay lost its place', { error, delayMs: pauseMs });
    } finally {
      onStanding('apart');
      await session?.close();
    }
    if (signal.aborted) return;
    await sleep(pauseMs * (0.75 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function untilLeading(session: LeaderSession, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await session.tryLead())) await sleep(ASK_INTERVAL_MS);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
