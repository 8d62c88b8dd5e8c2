import { formatRightsSubject, normaliseFilters, stateFilter, topicFilter } from '@tidewire/contract';
import type { LogPosition, ResyncReason, RightsState } from '@tidewire/contract';
import { ReplayGapError, readLog } from '@tidewire/messaging';
import type { LogEntry, MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { joinFrames } from '../delivery/class-set.ts';
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
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: { readonly maxEvents: number; readonly maxBytes: number };
}

/** A stream that is subscribed and held, and the place in the log that its client has. */
export interface ReplayTarget {
  readonly stream: Pick<Stream, 'reader' | 'topics' | 'interests' | 'sink'> & {
    readonly connection: Connection;
  };
  readonly from: LogPosition;
  /** When it was subscribed: rights that changed later reach it by the live path. */
  readonly subscribedAt: LogPosition;
  readonly signal: AbortSignal;
}

/** What a replay came to: events written, or the reason for which the client was told to fetch again. */
export type ReplayOutcome = { readonly events: number } | { readonly resync: ResyncReason };

/** Bytes that may wait in the socket before the replay waits for it: less than any connection's budget. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Frames are written so many bytes at a time: a write costs some 10 us, however small it is. */
const JOIN_BYTES = 64 * 1024;
const MOST_FILTERS = 50;

/**
 * Brings a held stream from its client's cursor to now, and releases it: then live events follow without gap and
 * without repeat. Everything is judged as of now, through the fan-out's own path. Whenever the socket makes it wait,
 * what is still to be written is judged again together with what happened meanwhile.
 */
export async function replay(options: ReplayOptions, target: ReplayTarget): Promise<ReplayOutcome> {
  const { stream, from, signal } = target;
  const { fanOut } = options;
  const run = new ReplayRun(options, target);
  let outcome: ReplayOutcome | undefined;
  try {
    await run.readStored();
    outcome = run.writeSome();
    while (outcome === undefined && !signal.aborted) {
      await stream.sink.drained();
      // The replay writes past the budget's own bookkeeping: what left has to be told to it.
      stream.connection.progressAt = options.now();
      if (!signal.aborted) outcome = run.writeSome();
    }
  } catch (error) {
    if (signal.aborted) return { events: run.events };
    if (!(error instanceof ReplayStop) && !(error instanceof ReplayGapError)) throw error;
    outcome = run.giveUp(error.reason);
  }
  if (outcome === undefined) return { events: run.events };
  if ('resync' in outcome) fanOut.release(stream.connection, from.sequence);
  return outcome;
}

/** Events alone cannot bring the client up to date. */
class ReplayStop extends Error {
  readonly reason: ResyncReason;

  constructor(reason: ResyncReason) {
    super(`the replay ends: ${reason}`);
    this.name = 'ReplayStop';
    this.reason = reason;
  }
}

class ReplayRun {
  events = 0;
  readonly #options: ReplayOptions;
  readonly #target: ReplayTarget;
  readonly #fold = new Fold();
  /** Rights that changed between the cursor and the moment of subscribing; later ones come through the live path. */
  readonly #states: RightsState[] = [];
  readonly #subscribedAt: number;
  #rightsChecked = false;
  #read: number;
  #written: number;
  #matched = 0;
  #bytes = 0;

  constructor(options: ReplayOptions, target: ReplayTarget) {
    this.#options = options;
    this.#target = target;
    this.#read = target.from.sequence;
    this.#written = target.from.sequence;
    this.#subscribedAt = target.subscribedAt.sequence;
  }

  /** Reads from the stored log what the ring does not hold any more. */
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

  /** Judges what is left, with everything up to now, and writes as much as the socket takes. */
  writeSome(): ReplayOutcome | undefined {
    const { fanOut, ring } = this.#options;
    const { connection, sink } = this.#target.stream;
    const held = connection.held?.resync;
    if (held !== undefined) return { resync: held };
    const cut = fanOut.evaluatedPosition();
    if (cut.epoch !== this.#target.from.epoch) return this.giveUp('epoch');
    if (!ring.covers(this.#read)) return this.giveUp('behind');
    for (const entry of ring.read(this.#read, cut.sequence)) this.#collect(entry);
    this.#read = cut.sequence;
    if (this.#rightsChanged()) return this.giveUp('rights-changed');
    const frames = this.#encode();
    let next = 0;
    while (next < frames.length && sink.queuedBytes() < HIGH_WATER_BYTES) {
      const from = next;
      for (let bytes = 0; next < frames.length && bytes < JOIN_BYTES; next += 1) {
        bytes += frames[next]?.bytes.length ?? 0;
      }
      sink.write(joinFrames(frames.slice(from, next)));
    }
    this.events += next;
    this.#written = frames[next - 1]?.sequence ?? this.#written;
    // Live frames that were kept so far are part of what was just judged, or will be.
    fanOut.release(connection, cut.sequence);
    if (next === frames.length) return { events: this.events };
    this.#fold.written(this.#written, new Set(frames.slice(0, next).map(({ object }) => object)));
    fanOut.hold(connection);
    return undefined;
  }

  giveUp(reason: ResyncReason): ReplayOutcome {
    this.#options.fanOut.resync(this.#target.stream.connection, reason);
    return { resync: reason };
  }

  #encode(): ReplayFrame[] {
    const { fanOut } = this.#options;
    const { connection } = this.#target.stream;
    const frames: ReplayFrame[] = [];
    for (const object of this.#fold.objects()) {
      for (const { sequence, bytes } of fanOut.encodeFor(connection, [object])) {
        if (sequence > this.#written) frames.push({ sequence, bytes, object });
      }
    }
    return frames.sort((a, b) => a.sequence - b.sequence);
  }

  #collect(entry: LogEntry): void {
    const { message } = entry;
    if (message?.kind === 'rights') {
      if (entry.sequence <= this.#subscribedAt) this.#states.push(message.state);
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

interface ReplayFrame {
  readonly sequence: number;
  readonly bytes: Buffer;
  readonly object: PendingObject;
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
