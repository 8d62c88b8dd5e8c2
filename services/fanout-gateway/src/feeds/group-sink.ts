import { parseEventId } from '@tidewire/contract';
import type { ErrorCode, Resync } from '@tidewire/contract';
import { readPollLines, resyncMessageOf } from '../formats/poll-line.ts';
import type { PollLine } from '../formats/poll-line.ts';
import type { GroupItem } from './group-ledger.ts';
import type { StreamSink } from '../transports/stream.ts';

/** Whoever gives out what a source of a group tells. None of these may change what is subscribed before the turn is over. */
export interface GroupSource {
  /** Takes a line; false: there is no room for it, nor for any that follows. */
  take(line: PollLine): boolean;
  /** Bytes that wait to be given out. */
  waitingBytes(): number;
  /** What waits must not be given out, or is not taken. The source is over. */
  reset(): void;
  /** The source is over. */
  ended(code: ErrorCode, reason: string): void;
}

/** How the stream of a group is asked for: its workers have done events beyond the place from which it begins. */
export const GROUP_SIDE = Object.freeze({
  transport: 'nats',
  wire: 'poll',
  tick: 0,
  subscription: '',
  knowsAhead: true,
} as const);

/** What stands for a full queue: a replay waits at so many bytes, and delivery does not yet give the connection up. */
const FULL_BYTES = 256 * 1024;

/** The write side of the stream that a group is fed from. It stays subscribed when nothing fits, to hear of rights. */
export class GroupSink implements StreamSink {
  readonly #source: GroupSource;
  #closed = false;
  #full = false;
  #drained: (() => void)[] = [];

  constructor(source: GroupSource) {
    this.#source = source;
  }

  /** Whether lines were lost because there was no room: whoever has room again opens another source. */
  get full(): boolean {
    return this.#full;
  }

  write(bytes: Buffer): void {
    for (const line of readPollLines(bytes)) this.#take(line);
  }

  resync(resync: Resync): void {
    this.#take({ kind: 'resync', id: resync.current, json: Buffer.from(JSON.stringify(resync)) });
  }

  queuedBytes(): number {
    if (this.#closed) return 0;
    return Math.max(this.#source.waitingBytes(), this.#full ? FULL_BYTES : 0);
  }

  async drained(): Promise<void> {
    if (this.#closed || this.queuedBytes() === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained.push(resolve);
    await promise;
  }

  /** Something was given out. */
  progress(): void {
    if (this.queuedBytes() === 0) this.#wake();
  }

  /** Takes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  reset(): void {
    if (this.#closed) return;
    this.close();
    this.#source.reset();
  }

  end(code: ErrorCode, reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#source.ended(code, reason);
  }

  /** Its workers are not ended by it: their own connections are. */
  expiring(): void {}

  held(): void {}

  #take(line: PollLine): void {
    if (this.#closed || (this.#full && line.kind !== 'resync')) return;
    this.#full = !this.#source.take(line);
  }

  #wake(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

/** What a line is to a worker; undefined for what is at no place of the log. `judgedAt`: monotonic milliseconds. */
export function groupItemOf(
  line: Exclude<PollLine, { kind: 'position' }>,
  judgedAt: number,
): GroupItem | undefined {
  const position = parseEventId(line.id);
  if (position === undefined) return undefined;
  if (line.kind === 'resync') {
    return { kind: 'resync', position, object: undefined, body: resyncMessageOf(line), judgedAt };
  }
  const { subject, recordId } = JSON.parse(line.json.toString()) as {
    readonly subject?: string;
    readonly recordId?: string;
  };
  return { kind: 'event', position, object: subject ?? recordId, body: line.json, judgedAt };
}
