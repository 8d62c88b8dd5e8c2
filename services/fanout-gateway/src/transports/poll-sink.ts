import { TidewireError, errorCodeRow, formatEventId } from '@tidewire/contract';
import type { ErrorCode, Resync } from '@tidewire/contract';
import { readPollLines } from '../formats/poll-line.ts';
import type { PollLine } from '../formats/poll-line.ts';
import type { Page, PageLimits } from '../replay/page.ts';
import type { PollPeer } from './poll-peer.ts';
import { ENDS_AT_ONCE } from './stream.ts';
import type { StreamSink } from './stream.ts';

/** What an answer brings, for metrics. */
export type PollOutcome = 'events' | 'resync' | 'empty';

/** The answer to a poll, encoded. */
export interface PollAnswer {
  readonly outcome: PollOutcome;
  readonly events: number;
  readonly body: Buffer;
}

export interface PollSinkOptions {
  /** What the list of the answer is called. */
  readonly member: 'events' | 'messages';
  readonly limits: PageLimits;
  /** Sends the answer before it returns: what it holds was judged in this very turn. */
  readonly send: (answer: PollAnswer) => void;
}

/** Told once how the poll came out. Not allowed to change what is subscribed before the turn is over. */
export interface PollListener {
  readonly answered: (answer: PollAnswer) => void;
  readonly failed: (error: TidewireError) => void;
}

type EventLine = Extract<PollLine, { kind: 'event' }>;

/** The write side of a waiting poll: the first thing that it is written is its answer. */
export class PollSink implements StreamSink {
  readonly #peer: PollPeer;
  readonly #options: PollSinkOptions;
  #listener: PollListener | undefined;
  #position: string | undefined;
  #settled = false;

  constructor(peer: PollPeer, options: PollSinkOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  /** @param position the cursor of a poll that is answered with nothing; undefined while there is none. */
  begin(listener: PollListener, position: string | undefined): void {
    this.#listener = listener;
    this.#position = position;
  }

  get settled(): boolean {
    return this.#settled;
  }

  write(bytes: Buffer): void {
    if (this.#settled) return;
    const lines = readPollLines(bytes);
    const resync = lines.find((line) => line.kind === 'resync');
    if (resync !== undefined) {
      this.#answerResync(resync.id, resync.json);
      return;
    }
    const events = lines.filter((line) => line.kind === 'event');
    const [first] = events;
    if (first === undefined) this.#position = lines.at(-1)?.id ?? this.#position;
    else this.#answerEvents(bytes, events);
  }

  /** Answers with what a replay brought; a page without events moves the position only. */
  page({ frames, position, more }: Page): void {
    if (this.#settled) return;
    const lines = frames.flatMap((frame) => readPollLines(frame));
    const events = lines.filter((line) => line.kind === 'event');
    const resync = lines.find((line) => line.kind === 'resync');
    this.#position = formatEventId(position);
    if (resync !== undefined) this.#answerResync(resync.id, resync.json);
    else if (events.length > 0)
      this.#answer('events', events.length, this.#format(events, this.#position, more));
  }

  /** Answers that nothing happened up to the position. */
  finish(): void {
    if (this.#settled) return;
    if (this.#position === undefined) {
      this.#fail(unavailable('SERVICE_UNAVAILABLE', 'This server is not level with the event log'));
    } else {
      this.#answer('empty', 0, this.#format([], this.#position, false));
    }
  }

  resync(resync: Resync): void {
    if (!this.#settled) this.#answerResync(resync.current, Buffer.from(JSON.stringify(resync)));
  }

  end(code: ErrorCode, reason: string): void {
    if (this.#settled) {
      // What was judged for a credential that ended may not wait for its reader.
      if (ENDS_AT_ONCE.has(code) && this.queuedBytes() > 0) this.reset();
      return;
    }
    if (errorCodeRow(code).retry === 'cursor' && this.#position !== undefined) this.finish();
    else if (errorCodeRow(code).status >= 500) this.#fail(unavailable(code, reason));
    else this.#fail(new TidewireError(code, reason));
  }

  /** A poll is over before long, and the next one shows its credential anyway. */
  expiring(): void {}

  /** It is answered with what there is, before long. */
  held(): void {}

  /** Ends the wait with an error; a poll that was answered has its answer. */
  refuse(error: TidewireError): void {
    if (!this.#settled) this.#fail(error);
  }

  queuedBytes(): number {
    return this.#settled ? this.#peer.queuedBytes() : 0;
  }

  reset(): void {
    this.#settled = true;
    this.#peer.reset();
  }

  #answerEvents(bytes: Buffer, events: readonly EventLine[]): void {
    const { maxEvents, maxBytes } = this.#options.limits;
    if (events.length <= maxEvents && bytes.length <= maxBytes) {
      // Many polls of a class are answered with the same buffer, and so with the same body.
      let body = bodies.get(bytes);
      if (body === undefined) bodies.set(bytes, (body = this.#format(events, lastId(events), false)));
      this.#answer('events', events.length, body);
      return;
    }
    let size = 0;
    const taken: EventLine[] = [];
    for (const event of events) {
      size += event.json.length;
      if (taken.length > 0 && (taken.length >= maxEvents || size > maxBytes)) break;
      taken.push(event);
    }
    const more = taken.length < events.length;
    this.#answer('events', taken.length, this.#format(taken, lastId(taken), more));
  }

  /** What happened before is fetched again as well, so no event is told beside it. */
  #answerResync(current: string, json: Buffer): void {
    this.#answer('resync', 0, this.#format([], current, false, json));
  }

  #format(lines: readonly EventLine[], lastEventId: string, more: boolean, resync?: Buffer): Buffer {
    const parts: Buffer[] = [Buffer.from(`{"${this.#options.member}":[`)];
    for (const [index, { json }] of lines.entries()) {
      if (index > 0) parts.push(COMMA);
      parts.push(json);
    }
    parts.push(Buffer.from(`],"lastEventId":"${lastEventId}","more":${more}`));
    if (resync !== undefined) parts.push(RESYNC, resync);
    parts.push(END);
    return Buffer.concat(parts);
  }

  #answer(outcome: PollOutcome, events: number, body: Buffer): void {
    this.#settled = true;
    const answer = { outcome, events, body };
    this.#options.send(answer);
    this.#listener?.answered(answer);
  }

  #fail(error: TidewireError): void {
    this.#settled = true;
    this.#listener?.failed(error);
  }
}

const COMMA = Buffer.from(',');
const RESYNC = Buffer.from(',"resync":');
const END = Buffer.from('}');

/** Bodies of answers with everything that a shared buffer has. */
const bodies = new WeakMap<Buffer, Buffer>();

function lastId(events: readonly EventLine[]): string {
  return events.at(-1)?.id ?? '';
}

function unavailable(code: ErrorCode, message: string): TidewireError {
  return new TidewireError(code, message, { retryAfterSeconds: 1 });
}
