import { TidewireError } from '@tidewire/contract';
import type { Credential, Principal } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { Clock, PrincipalContext } from '@tidewire/service-kit';
import { rightsUnknown } from './authenticator.ts';
import type { Authenticator } from './authenticator.ts';
import type { BarrierSource, RightsBarrier } from './barrier.ts';
import type { RightsFeed } from './rights-feed.ts';

/** One attempt to judge and carry out a request, under the rights of one moment. */
export interface Turn {
  readonly view: RightsView;
  /** Null: anonymous. */
  readonly principal: Principal | null;
  readonly credential: Credential | null;
  /** What the statement has to pass to `outbox.rights_pending`. */
  readonly concerned: readonly string[];
  /** The time at which the request is judged, epoch milliseconds. */
  readonly nowMs: number;
  /**
   * Holds what was judged against a snapshot: returns when no right is newer in the snapshot than in the judgement.
   * Otherwise throws, and the whole attempt is made again. Call it before a transaction is committed.
   */
  confirm(barrier: RightsBarrier): Promise<void>;
}

export interface JudgementOptions {
  readonly feed: Pick<RightsFeed, 'view' | 'changes' | 'canAdvance' | 'reach' | 'isOfStore'>;
  readonly authenticator: Pick<Authenticator, 'refresh'>;
  readonly barriers: BarrierSource;
  readonly clock: Clock;
  /** How long a request may wait for rights that are not in the log yet. */
  readonly waitMs: number;
}

/** Thrown inside a turn; never leaves {@link Judgement}. */
class NewerRights extends Error {
  readonly barrier: RightsBarrier;

  constructor(barrier: RightsBarrier) {
    super('there are newer rights');
    this.name = 'NewerRights';
    this.barrier = barrier;
  }
}

/** While a transaction is open only the time between the log's store and its delivery is waited for. */
const WAIT_IN_TURN_MS = 100;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/**
 * Judges requests so that none is decided by rights older than those acknowledged before it came
 * (docs/decisions/0004-rights-in-records.md). Refusals are held against a snapshot as well: "not found" may be a
 * schema that was created a moment ago.
 */
export class Judgement {
  readonly #options: JudgementOptions;

  constructor(options: JudgementOptions) {
    this.#options = options;
  }

  /**
   * Runs `attempt` until it stands. It must be safe to repeat: whatever it wrote is rolled back when `confirm` throws.
   *
   * @throws what `attempt` throws, once that is confirmed; TidewireError SERVICE_UNAVAILABLE when the newest rights
   *   cannot be known in time.
   */
  async judge<Result>(
    who: PrincipalContext | null,
    attempt: (turn: Turn) => Promise<Result>,
  ): Promise<Result> {
    const { feed, authenticator, clock, waitMs } = this.#options;
    const until = clock.monotonic() + waitMs;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const turn = this.#begin(who === null ? null : await authenticator.refresh(who));
      try {
        const outcome = await settle(() => attempt(turn));
        if (!turn.confirmed) await turn.confirm(await this.#options.barriers.readBarrier(turn.concerned));
        if (outcome.ok) return outcome.result;
        throw outcome.error;
      } catch (error) {
        if (!(error instanceof NewerRights)) throw error;
        const left = until - clock.monotonic();
        if (left <= 0 || !feed.canAdvance()) throw rightsUnknown();
        await this.#wait(error.barrier, Math.min(left, pauseMs));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  #begin(who: PrincipalContext | null): Turn & { confirmed: boolean } {
    const { feed, clock } = this.#options;
    const { view, changes } = feed;
    const turn = {
      view,
      principal: who?.principal ?? null,
      credential: who?.credential ?? null,
      concerned: who === null ? [] : [who.principal.id, who.credential.id],
      nowMs: clock.now(),
      confirmed: false,
      confirm: async (barrier: RightsBarrier): Promise<void> => {
        const limitMs = feed.canAdvance() ? WAIT_IN_TURN_MS : 0;
        if (barrier.pending || !(await feed.reach(barrier.position, limitMs))) throw new NewerRights(barrier);
        const same =
          feed.isOfStore(barrier.store) &&
          feed.view === view &&
          feed.changes === changes &&
          (who === null ||
            (view.principal(who.principal.id) === who.principal &&
              view.credential(who.credential.id) === who.credential));
        if (!same) throw new NewerRights(barrier);
        turn.confirmed = true;
      },
    };
    return turn;
  }

  /** Until the log has come as far as the snapshot; a change that is not in the log yet has no position to wait for. */
  async #wait(barrier: RightsBarrier, limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (barrier.pending || !this.#options.feed.isOfStore(barrier.store)) {
      this.#options.clock.setTimeout(resolve, limitMs);
      await promise;
    } else {
      await this.#options.feed.reach(barrier.position, limitMs);
    }
  }
}

type Outcome<Result> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: unknown };

/** Refusals are answers, and confirmed like them; anything else is a fault. */
async function settle<Result>(attempt: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { ok: true, result: await attempt() };
  } catch (error) {
    if (error instanceof TidewireError) return { ok: false, error };
    throw error;
  }
}
