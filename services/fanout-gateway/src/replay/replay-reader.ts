import {
  TidewireError,
  formatRightsSubject,
  normaliseFilters,
  stateFilter,
  topicFilter,
} from '@tidewire/contract';
import type { LogPosition, ResyncReason, RightsState } from '@tidewire/contract';
import { readLog } from '@tidewire/messaging';
import type { LogEntry, MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import type { Connection } from '../delivery/connection.ts';
import type { FanOutPort } from '../fanout/subscription.ts';
import type { ReplayRing } from '../log/ring.ts';
import type { Stream } from '../transports/stream.ts';
import { Fold } from './fold.ts';
import type { PendingObject } from './fold.ts';
import { matchesInterests } from './matching.ts';
import { rightsChanged } from './rights-window.ts';

export interface ReplayOptions {
  readonly bus: MessageBus;
  readonly ring: ReplayRing;
  readonly fanOut: FanOutPort;
  readonly view: () => RightsView;
  /** Whether this process is level with the log: otherwise it may not judge. */
  readonly fresh: () => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: { readonly maxEvents: number; readonly maxBytes: number };
}

/** Whose past is read: a stream that is subscribed and held, and the place in the log that its client has. */
export interface ReplayTarget {
  readonly stream: Pick<Stream, 'reader' | 'topics' | 'interests'> & { readonly connection: Connection };
  readonly from: LogPosition;
  /** When it was subscribed: rights that changed later reach it by the live path. */
  readonly subscribedAt: LogPosition;
  readonly signal: AbortSignal;
}

/** Events alone cannot bring the client up to date. */
export class ReplayStop extends Error {
  readonly reason: ResyncReason;

  constructor(reason: ResyncReason) {
    super(`the replay ends: ${reason}`);
    this.name = 'ReplayStop';
    this.reason = reason;
  }
}

/** A past event as it may be told now. */
export interface ReplayFrame {
  readonly sequence: number;
  readonly bytes: Buffer;
  readonly object: PendingObject;
}

const MOST_FILTERS = 50;

/**
 * What happened between a client's cursor and now, from the ring or the stored log, folded by object and judged as of
 * now. May be brought up to now again and again while it is being written.
 */
export class ReplayReader {
  readonly #options: ReplayOptions;
  readonly #target: ReplayTarget;
  readonly #fold = new Fold();
  /** Rights that changed between the cursor and the moment of subscribing; later ones come through the live path. */
  readonly #states: RightsState[] = [];
  #rightsChecked = false;
  #read: number;
  #matched = 0;
  #bytes = 0;

  constructor(options: ReplayOptions, target: ReplayTarget) {
    this.#options = options;
    this.#target = target;
    this.#read = target.from.sequence;
  }

  /**
   * Reads from the stored log what the ring does not hold any more.
   *
   * @throws ReplayStop, ReplayGapError
   */
  async readStored(): Promise<void> {
    const { bus, ring, fanOut } = this.#options;
    const { from, signal, stream } = this.#target;
    while (!ring.covers(this.#read)) {
      const to = fanOut.evaluatedPosition().sequence;
      const filters = storedFilters(stream);
      for await (const entry of readLog(bus, { epoch: from.epoch, from: this.#read, to, filters, signal })) {
        this.#collect(entry);
      }
      this.#read = to;
    }
  }

  /**
   * Adds everything up to now, and says where that is.
   *
   * @throws ReplayStop when events alone do not do; TidewireError SERVICE_UNAVAILABLE while nobody may be told anything.
   */
  catchUp(): LogPosition {
    const { fanOut, ring, fresh } = this.#options;
    const { from, stream } = this.#target;
    const held = stream.connection.held?.resync;
    if (held !== undefined) throw new ReplayStop(held);
    if (!fresh()) {
      throw new TidewireError('SERVICE_UNAVAILABLE', 'This server is not level with the event log', {
        retryAfterSeconds: 1,
      });
    }
    const cut = fanOut.evaluatedPosition();
    if (cut.epoch !== from.epoch) throw new ReplayStop('epoch');
    if (!ring.covers(this.#read)) throw new ReplayStop('behind');
    for (const entry of ring.read(this.#read, cut.sequence)) this.#collect(entry);
    this.#read = cut.sequence;
    if (this.#rightsChanged()) throw new ReplayStop('rights-changed');
    return cut;
  }

  /** What is to be told after a position, in the order of the log. */
  frames(after: number): ReplayFrame[] {
    const { fanOut } = this.#options;
    const { connection } = this.#target.stream;
    const frames: ReplayFrame[] = [];
    for (const object of this.#fold.objects()) {
      for (const { sequence, bytes } of fanOut.encodeFor(connection, [object])) {
        if (sequence > after) frames.push({ sequence, bytes, object });
      }
    }
    return frames.sort((a, b) => a.sequence - b.sequence);
  }

  /** Takes note that frames up to a position were written, those of `told` objects among them. */
  written(sequence: number, told: ReadonlySet<PendingObject>): void {
    this.#fold.written(sequence, told);
  }

  #collect(entry: LogEntry): void {
    const { message } = entry;
    if (message?.kind === 'rights') {
      if (entry.sequence <= this.#target.subscribedAt.sequence) this.#states.push(message.state);
      return;
    }
    if (message === undefined || !matchesInterests(this.#target.stream.interests, message)) return;
    const { maxEvents, maxBytes } = this.#options.limits;
    this.#matched += 1;
    this.#bytes += entry.bytes;
    if (this.#matched > maxEvents || this.#bytes > maxBytes) throw new ReplayStop('too-deep');
    if (message.unencodable === true) throw new ReplayStop('unencodable');
    this.#fold.add(entry);
  }

  #rightsChanged(): boolean {
    if (this.#rightsChecked) return false;
    this.#rightsChecked = true;
    const { reader, interests } = this.#target.stream;
    return rightsChanged(this.#options.view(), reader, interests, this.#states);
  }
}

/** What of the stored log a replay has to see: the events of its topics, and the rights that it is judged by. */
function storedFilters(stream: ReplayTarget['stream']): string[] {
  const { principalId, credentialId } = stream.reader;
  const filters = normaliseFilters([
    ...stream.topics.map(topicFilter),
    stateFilter('policy'),
    stateFilter('organisation'),
    stateFilter('register'),
    stateFilter('schema'),
    ...(principalId === null ? [] : [formatRightsSubject('principal', principalId)]),
    ...(credentialId === null ? [] : [formatRightsSubject('credential', credentialId)]),
  ]);
  // The server's work grows with the square of their number: past this, the whole log is cheaper.
  return filters.length > MOST_FILTERS ? [] : filters;
}
