import {
  FEED_ANSWERS,
  FEED_CONTENT_TYPES,
  FEED_GROUP_LIMITS,
  TidewireError,
  errorCodeRow,
  formatEventId,
  formatFeedAnswerSubject,
} from '@tidewire/contract';
import type { ErrorCode, FeedRequest } from '@tidewire/contract';
import { NOBODY } from '@tidewire/messaging';
import type { ClientChannel, FeedGroupName, FeedGroupStore, StoredFeedGroup } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { Timer } from '@tidewire/service-kit';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { PollLine } from '../formats/poll-line.ts';
import type { SubscriberAdmissions } from '../rights/subscriber-admission.ts';
import { startStream } from '../transports/catch-up.ts';
import { streamEnd } from '../transports/sse.ts';
import type { Wanted } from '../transports/stream-opener.ts';
import type { Stream } from '../transports/stream.ts';
import type { TransportOptions } from '../transports/transport-options.ts';
import { GroupLedger } from './group-ledger.ts';
import type { GroupItem } from './group-ledger.ts';
import { GroupPlace } from './group-place.ts';
import { GROUP_SIDE, GroupSink, groupItemOf } from './group-sink.ts';
import { GroupWorker } from './group-worker.ts';

export interface GroupLeaderOptions extends TransportOptions {
  readonly channel: Pick<ClientChannel, 'send'>;
  readonly store: FeedGroupStore;
  readonly admissions: Pick<SubscriberAdmissions, 'admit'>;
  /** This gateway's name among all. */
  readonly instance: string;
}

export interface GroupLeaderParts {
  readonly name: FeedGroupName;
  /** Names the group in the answers to its messages. */
  readonly token: string;
  readonly wanted: Wanted;
  /** Where it begins while it has no place of its own. */
  readonly cursor: string | undefined;
  /** As this gateway has claimed it. */
  readonly stored: StoredFeedGroup;
  /** Told once when this gateway does not lead it any more; `left` resolves when its place is written. */
  readonly onOver: (left: Promise<void>) => void;
}

/** An item in a worker's hands. */
interface Delivery {
  readonly item: GroupItem;
  readonly worker: GroupWorker;
  deadline: Timer;
}

/** Items that wait for a worker: some turns' worth of the fastest. */
const MOST_WAITING = 256;
const MOST_WAITING_BYTES = 256 * 1024;
/** What waits longer is judged again before it is given out: its object may not be for this subscriber any more. */
const TRUST_MS = 2_000;
/** Workers ask again and again; in between there may be none. */
const LINGER_MS = 10_000;
const RETRY_MS = 1_000;

/** Gives the events of one feed out to the workers of a group, each to one of them, until somebody says that it is done. */
export class GroupLeader {
  readonly #options: GroupLeaderOptions;
  readonly #parts: GroupLeaderParts;
  readonly #ledger: GroupLedger;
  readonly #place: GroupPlace;
  readonly #workers = new Set<GroupWorker>();
  readonly #deliveries = new Map<number, Delivery>();
  readonly #signs = new Map<number, GroupWorker>();
  #numbers = 0;
  #sink: GroupSink | undefined;
  #stream: Stream | undefined;
  #opening = false;
  #timers = new Map<'retry' | 'linger', Timer>();
  #over = false;

  constructor(options: GroupLeaderOptions, parts: GroupLeaderParts) {
    const { cursor, done } = parts.stored.state;
    this.#options = options;
    this.#parts = parts;
    this.#ledger = new GroupLedger(cursor, done);
    this.#place = new GroupPlace(options, {
      name: parts.name,
      stored: parts.stored,
      ledger: this.#ledger,
      onLost: () => this.#finish({ code: 'DRAINING', reason: 'Ask again: another server leads the group' }),
    });
  }

  get group(): string {
    return this.#parts.name.group;
  }

  get follows(): string {
    return this.#parts.stored.state.follows;
  }

  /** @throws TidewireError TOO_MANY_CONNECTIONS */
  join(inbox: string, request: FeedRequest): void {
    const { channel, clock } = this.#options;
    if (this.#workers.size >= FEED_GROUP_LIMITS.workers) {
      throw new TidewireError(
        'TOO_MANY_CONNECTIONS',
        `A group has at most ${FEED_GROUP_LIMITS.workers} workers`,
        {
          retryAfterSeconds: 5,
        },
      );
    }
    this.#cancel('linger');
    const sign = (this.#numbers += 1);
    const worker = new GroupWorker({
      channel,
      clock,
      inbox,
      request,
      cursor: () => this.#ledger.cursor,
      replyTo: () => this.#replyTo(sign),
      onGone: (gone) => {
        this.#signs.delete(sign);
        this.#workers.delete(gone);
        if (this.#workers.size === 0 && !this.#over) this.#after('linger', LINGER_MS, () => this.stop());
      },
    });
    this.#signs.set(sign, worker);
    this.#workers.add(worker);
    this.#tend();
  }

  /** A worker's answer to the message of that number. */
  answered(number: number, answer: string | typeof NOBODY): void {
    const sign = this.#signs.get(number);
    const delivery = this.#deliveries.get(number);
    if (answer === NOBODY) {
      // What was on its way to it goes to somebody else at once.
      (sign ?? delivery?.worker)?.leave();
      this.#settle(number, false);
      return;
    }
    (sign ?? delivery?.worker)?.heard();
    if (answer === FEED_ANSWERS.stop) (sign ?? delivery?.worker)?.finish('The worker has had enough');
    if (delivery === undefined) {
      this.#tend();
      return;
    }
    if (answer === FEED_ANSWERS.working) {
      delivery.deadline.cancel();
      delivery.deadline = this.#startDeadline(number, delivery.worker);
      return;
    }
    this.#settle(number, answer !== FEED_ANSWERS.again && answer !== FEED_ANSWERS.stop);
  }

  /** Hands the group over: whoever is asked next leads it. */
  stop(): void {
    this.#finish({ code: 'DRAINING', reason: 'Ask again: another server goes on' });
  }

  /** Without a word: nothing can be said any more. */
  abandon(): void {
    for (const worker of this.#workers) worker.leave();
    this.stop();
  }

  /** Gives out what may be, and sees to it that there is something to give out. */
  #tend(): void {
    if (this.#over) return;
    this.#giveOut();
    if (this.#isStale()) this.#ledger.distrust();
    if (this.#ledger.incomplete || (this.#sink?.full === true && this.#ledger.waiting === 0)) this.#close();
    if (this.#sink === undefined && this.#workers.size > 0) void this.#open();
    this.#place.save();
  }

  #giveOut(): void {
    for (let worker = this.#freeWorker(); worker !== undefined; worker = this.#freeWorker()) {
      if (this.#isStale()) return;
      const item = this.#ledger.give();
      if (item === undefined) return;
      const number = (this.#numbers += 1);
      this.#deliveries.set(number, { item, worker, deadline: this.#startDeadline(number, worker) });
      worker.give({
        contentType: item.kind === 'event' ? this.#eventType() : FEED_CONTENT_TYPES.message,
        body: item.body,
        reply: this.#replyTo(number),
      });
      this.#sink?.progress();
    }
  }

  /** The one with the least in its hands; of several the one that came first. Who is late, only where everybody is. */
  #freeWorker(): GroupWorker | undefined {
    let best: GroupWorker | undefined;
    const allLate = [...this.#workers].every(({ late }) => late);
    for (const worker of this.#workers) {
      if (worker.late && !allLate) continue;
      if (worker.free && (best === undefined || worker.given < best.given)) best = worker;
    }
    return best;
  }

  #isStale(): boolean {
    const { judgedAt } = this.#ledger;
    return judgedAt !== undefined && this.#options.clock.monotonic() - judgedAt > TRUST_MS;
  }

  #startDeadline(number: number, worker: GroupWorker): Timer {
    return this.#options.clock.setTimeout(() => {
      worker.miss();
      this.#settle(number, false);
    }, worker.ackWaitMs);
  }

  #settle(number: number, done: boolean): void {
    const delivery = this.#deliveries.get(number);
    if (delivery === undefined) return;
    this.#deliveries.delete(number);
    delivery.deadline.cancel();
    delivery.worker.takeBack();
    if (done) this.#ledger.settle(delivery.item);
    else this.#ledger.giveBack(delivery.item);
    this.#tend();
  }

  #replyTo(number: number): string {
    const { address } = this.#parts.name;
    const token = `${this.#parts.token}-${number}`;
    return formatFeedAnswerSubject({ address, gateway: this.#options.instance, token });
  }

  #eventType(): string {
    return typeof this.#parts.wanted.from === 'string'
      ? FEED_CONTENT_TYPES.message
      : FEED_CONTENT_TYPES.event;
  }

  /** Opens the feed where everything is done, or told. Its errors end here. */
  async #open(): Promise<void> {
    if (this.#opening || this.#timers.has('retry')) return;
    this.#opening = true;
    try {
      await this.#subscribe();
    } catch (error) {
      this.#failed(toTidewireError(error));
    } finally {
      this.#opening = false;
    }
  }

  async #subscribe(): Promise<void> {
    const { admissions, slots, opener } = this.#options;
    const { name, wanted } = this.#parts;
    const admission = await admissions.admit(name.address);
    let slot;
    try {
      slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    } catch (error) {
      admission.release();
      throw error;
    }
    this.#ledger.restarted();
    const cursor = this.#ledger.start ?? this.#parts.cursor;
    const sink = new GroupSink({
      take: (line) => this.#take(line),
      waitingBytes: () => this.#ledger.waitingBytes,
      reset: () => this.#ended(),
      ended: (code, reason) => this.#ended(code, reason),
    });
    this.#sink = sink;
    try {
      const side = { ...GROUP_SIDE, sink };
      await opener.open({ wanted, cursor, admission, address: 'nats', side }, slot, (opened) => {
        this.#stream = opened.stream;
        if (this.#over) {
          this.#close();
          return;
        }
        if (opened.start.kind === 'live') this.#ledger.reached(formatEventId(opened.position));
        startStream(this.#options, opened, sink);
      });
    } catch (error) {
      this.#sink = undefined;
      throw error;
    }
  }

  #take(line: PollLine): boolean {
    if (line.kind === 'position') {
      this.#ledger.reached(line.id);
    } else {
      const item = groupItemOf(line, this.#options.clock.monotonic());
      if (item !== undefined) this.#ledger.take(item);
    }
    // Not in the turn in which others are written to.
    queueMicrotask(() => this.#tend());
    const { waiting, waitingBytes } = this.#ledger;
    return waiting < MOST_WAITING && waitingBytes < MOST_WAITING_BYTES;
  }

  /** The feed has ended, or must not be trusted: it is opened again, unless its end is final. */
  #ended(code?: ErrorCode, reason = ''): void {
    this.#sink = undefined;
    this.#ledger.distrust();
    queueMicrotask(() => {
      this.#drop();
      if (code === undefined || code === 'CONNECTION_AGED') this.#tend();
      else this.#finish({ code, reason });
    });
  }

  #close(): void {
    this.#sink?.close();
    this.#sink = undefined;
    this.#drop();
  }

  #drop(): void {
    if (this.#stream !== undefined) this.#options.keeper.drop(this.#stream);
    this.#stream = undefined;
  }

  #failed(error: TidewireError): void {
    if (this.#over) return;
    // A limit of the subscriber's own is said to it; what is only a server's is waited for.
    if (errorCodeRow(error.code).retry !== 'never' && error.status >= 500) {
      this.#after('retry', RETRY_MS, () => this.#tend());
      return;
    }
    for (const worker of this.#workers) worker.refuse(error);
    this.stop();
  }

  #finish({ code, reason }: { readonly code: ErrorCode; readonly reason: string }): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    for (const { deadline } of this.#deliveries.values()) deadline.cancel();
    for (const worker of this.#workers) worker.end(streamEnd(code, reason));
    for (const name of this.#timers.keys()) this.#cancel(name);
    this.#parts.onOver(this.#place.leave());
  }

  #after(name: 'retry' | 'linger', delayMs: number, run: () => void): void {
    this.#cancel(name);
    const timer = this.#options.clock.setTimeout(() => {
      this.#timers.delete(name);
      run();
    }, delayMs);
    this.#timers.set(name, timer);
  }

  #cancel(name: 'retry' | 'linger'): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
