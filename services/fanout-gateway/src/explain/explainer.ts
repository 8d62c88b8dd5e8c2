import { TidewireError } from '@tidewire/contract';
import type { Explanation, LogPosition } from '@tidewire/contract';
import { ReplayGapError } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { admitPrincipal, identify, isAdministrator, unavailable } from '@tidewire/rights';
import type { AdmissionOptions, Reader } from '@tidewire/rights';
import type { Clock } from '@tidewire/service-kit';
import { ExplainPlaces } from '../limits/explain-places.ts';
import type { LogFeed } from '../log/log-feed.ts';
import type { ReplayRing } from '../log/ring.ts';
import { resolveSource } from '../rights/resolve-source.ts';
import type { ResolvedSource } from '../rights/resolve-source.ts';
import type { Wanted } from '../transports/stream-opener.ts';
import { explainEvent } from './event-explanation.ts';
import { readEvent, readLaterRights, readNewest, readPositions } from './past-events.ts';
import type { PastOptions } from './past-events.ts';
import { explainSubscription } from './subscription-explanation.ts';

export interface ExplainerOptions {
  readonly bus: MessageBus;
  readonly feed: Pick<LogFeed, 'epoch' | 'fresh' | 'oldest' | 'position'>;
  readonly ring: ReplayRing;
  readonly view: () => RightsView;
  readonly clock: Clock;
}

/** What is asked, read; about whom it may be asked is not looked at yet. */
export interface ExplainQuestion {
  /** Undefined: the caller. */
  readonly principal: string | undefined;
  readonly about: { readonly event: LogPosition } | { readonly wanted: Wanted; readonly limit: number };
}

/** Two at once in a process, one of them for callers who are no administrators. */
const PLACES = Object.freeze({ total: 2, ofOthers: 1 });
/** How long the log may take to be read. */
const LONGEST_MS = 10_000;

/** Answers why somebody sees something or does not, with what the fan-out itself would do. */
export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #places = new ExplainPlaces(PLACES);

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /**
   * @throws TidewireError FORBIDDEN, in the same words whether or not what is asked about exists; NOT_FOUND for an absent
   * principal or event; SERVICE_UNAVAILABLE while this process may not judge or has enough to do; and for the caller's own
   * subscription whatever subscribing would throw.
   */
  async explain(question: ExplainQuestion, caller: Reader): Promise<Explanation> {
    const { view } = this.#options;
    this.#requireFresh();
    const administrator = isAdministrator(view(), caller);
    const own = question.principal === undefined || question.principal === caller.principalId;
    if (!administrator && (!own || 'event' in question.about)) {
      throw new TidewireError(
        'FORBIDDEN',
        'Only administrators are told what others see, or about single events',
      );
    }
    return await this.#places.run(administrator, async () => {
      const held =
        own || question.principal === undefined
          ? undefined
          : await admitPrincipal(this.#admissionOptions(), {
              principal: question.principal,
              credential: null,
            });
      const abort = new AbortController();
      const timer = this.#options.clock.setTimeout(() => abort.abort(TOO_SLOW), LONGEST_MS);
      try {
        const asked = { reader: held?.reader ?? caller, caller, administrator, signal: abort.signal };
        return await this.#answer(question.about, asked);
      } catch (error) {
        // The log moved while it was read; asking again finds it where it is.
        if (error instanceof ReplayGapError) throw unavailable('The log changed while it was read');
        throw error;
      } finally {
        timer.cancel();
        held?.release();
      }
    });
  }

  async #answer(about: ExplainQuestion['about'], asked: Asked): Promise<Explanation> {
    return 'event' in about ? await this.#event(about.event, asked) : await this.#subscription(about, asked);
  }

  async #event(event: LogPosition, asked: Asked): Promise<Explanation> {
    const { feed } = this.#options;
    const past = this.#past(asked);
    const entry = await readEvent(past, event, feed.position);
    const range = { after: event, to: feed.position.sequence };
    const later = await readLaterRights(past, asked.reader.principalId ?? '', range);
    return explainEvent({ ...this.#now(asked), entry, later });
  }

  async #subscription(
    { wanted, limit }: { readonly wanted: Wanted; readonly limit: number },
    asked: Asked,
  ): Promise<Explanation> {
    const { feed } = this.#options;
    const { reader, caller, administrator } = asked;
    const view = this.#options.view();
    const resolved = resolveFor(view, reader, administrator ? caller : reader, wanted);
    const past = this.#past(asked);
    const to = feed.position;
    const events = administrator
      ? await readNewest(past, resolved.topics, { to, limit })
      : await readPositions(past, { oldest: feed.oldest(), to, limit });
    const parts = {
      interests: resolved.interests,
      wish: wanted.wish,
      events: wanted.actions,
      table: resolved.table,
    };
    const explanation = explainSubscription({
      ...this.#now(asked),
      parts,
      refusal: resolved.refusal,
      past: events,
      limit,
      administrator,
    });
    if (!administrator && explanation.refusal !== null) {
      throw new TidewireError(explanation.refusal.code, explanation.refusal.message);
    }
    return explanation;
  }

  #past({ signal }: Asked): PastOptions {
    const { bus, ring } = this.#options;
    return { bus, ring, signal };
  }

  /** Whose rights, as of this moment. From here to the answer nothing is awaited. */
  #now({ reader, caller, administrator }: Asked): Now {
    const { view, clock, feed } = this.#options;
    this.#requireFresh();
    const current = view();
    // Whoever lost the right to ask while the log was read is not answered any more.
    if (identify(current, caller) === undefined) throw unavailable('The rights changed meanwhile');
    if (administrator && !isAdministrator(current, caller)) throw unavailable('The rights changed meanwhile');
    return { view: current, reader, nowMs: clock.now(), position: feed.position };
  }

  #requireFresh(): void {
    if (!this.#options.feed.fresh) throw unavailable('This server is not level with the event log');
  }

  #admissionOptions(): AdmissionOptions {
    const { bus, view, feed, clock } = this.#options;
    return { bus, view, epoch: () => feed.epoch, clock };
  }
}

interface Asked {
  readonly reader: Reader;
  readonly caller: Reader;
  /** Whether the caller is one. */
  readonly administrator: boolean;
  readonly signal: AbortSignal;
}

interface Now {
  readonly view: RightsView;
  readonly reader: Reader;
  readonly nowMs: number;
  readonly position: LogPosition;
}

const TOO_SLOW = unavailable('The log took too long to read');

interface Resolved extends ResolvedSource {
  readonly refusal: TidewireError | undefined;
}

/**
 * Topics or table for the reader. Where they are not there for it they are looked up for the caller, who may know more;
 * the refusal says what the reader would be answered.
 */
function resolveFor(view: RightsView, reader: Reader, caller: Reader, { from }: Wanted): Resolved {
  try {
    return { ...resolveSource(view, reader, from), refusal: undefined };
  } catch (error) {
    if (!(error instanceof TidewireError) || reader === caller) throw error;
    return { ...resolveSource(view, caller, from), refusal: error };
  }
}
