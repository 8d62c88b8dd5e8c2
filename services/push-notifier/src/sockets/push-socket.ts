import { PUSH_TEXTS } from '@tidewire/contract';
import type { Admission, Reader } from '@tidewire/rights';
import type { Clock } from '@tidewire/service-kit';
import { KeepAlive } from './keep-alive.ts';
import { Reminder } from './reminder.ts';
import type { SocketLine } from './socket-line.ts';

export type PushMessageType = 'notification' | 'custom';

export interface PushSocketOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  /** 0 to 1. */
  readonly random: () => number;
  /** Open sockets of the process. */
  readonly openSockets: () => number;
  /** How long it may last, milliseconds; 0: as long as it likes. */
  readonly maxAgeMs: number;
  readonly onSent: (type: PushMessageType) => void;
  /** Called once, when nothing is sent any more, whoever ended it. */
  readonly onEnd: (socket: PushSocket) => void;
}

/** Unsent bytes beyond which messages are dropped: they are hints, and one that stands for all of them is enough. */
const BUDGET_BYTES = 256 * 1024;
/** The hint that stands for what was dropped is sent when this much is left. */
const DRAINED_BYTES = BUDGET_BYTES / 4;
/** A client that takes nothing for so long is not there, or is not worth the memory. */
const STUCK_MS = 30_000;
/** Sockets that were opened together do not end together: each is spared up to this part of its age. */
const AGE_SPREAD = 0.2;

/** Somebody who is connected and has said who it is. */
export class PushSocket implements Reader {
  readonly principalId: string | null;
  readonly credentialId: string | null;
  readonly #options: PushSocketOptions;
  readonly #line: SocketLine;
  readonly #reminder: Reminder;
  readonly #keepAlive: KeepAlive;
  /** Monotonic milliseconds. */
  readonly #agedAt: number;
  #open = true;
  /** Something was dropped, and nothing was sent that stands for it. */
  #missed = false;
  /** Since when nothing was taken, and how much had been until then. */
  #stuck: { readonly since: number; readonly taken: number } | undefined;

  constructor(options: PushSocketOptions, line: SocketLine, { reader }: Pick<Admission, 'reader'>) {
    const { clock, random, openSockets, maxAgeMs } = options;
    const now = clock.monotonic();
    this.principalId = reader.principalId;
    this.credentialId = reader.credentialId;
    this.#options = options;
    this.#line = line;
    this.#reminder = new Reminder({
      clock,
      openSockets,
      factor: 0.5 + random(),
      send: () => this.#notify(),
    });
    this.#keepAlive = new KeepAlive(random, now);
    this.#agedAt = maxAgeMs === 0 ? Infinity : now + maxAgeMs * (1 - AGE_SPREAD * random());
  }

  /** Whether something was sent that the client has not taken. */
  get holdsUnsent(): boolean {
    return this.#open && this.#line.queuedBytes > 0;
  }

  /** Sends a message at once; without a body its name alone. To a client that takes too little nothing is sent. */
  tell(name: string, body: object | null): void {
    if (!this.#open) return;
    if (this.#line.queuedBytes > BUDGET_BYTES) {
      this.#missed = true;
      return;
    }
    this.#send(body === null ? name : `${name} ${JSON.stringify(body)}`, 'custom');
  }

  /** Says that there is something new, soon and once for all calls until then. */
  remind(): void {
    if (this.#open) this.#reminder.call();
  }

  /** Ends it: what was not taken of it yet is not sent any more, because the right to know it has ended, too. */
  end(): void {
    if (!this.#finish()) return;
    if (this.#line.queuedBytes > 0) this.#line.cut();
    else this.#line.close();
  }

  /** Looks after the connection, about twice a second. */
  look(now: number): void {
    if (!this.#open) return;
    if (now >= this.#agedAt) {
      this.end();
      return;
    }
    if (this.#isStuck(now)) {
      this.#finish();
      this.#line.cut();
      return;
    }
    if (this.#missed && this.#line.queuedBytes <= DRAINED_BYTES) this.#notify();
    const ping = this.#keepAlive.look(now);
    if (ping === 'gone') this.end();
    else if (ping !== undefined) this.#line.ping(ping);
  }

  /** Takes note of a pong. */
  answered(payload: Buffer): void {
    if (!this.#keepAlive.answered(payload)) this.end();
  }

  /** The connection is over, or is being ended by somebody else. */
  ended(): void {
    this.#finish();
  }

  #notify(): void {
    if (this.#line.queuedBytes > BUDGET_BYTES) {
      this.#missed = true;
      return;
    }
    this.#missed = false;
    this.#reminder.sent();
    this.#send(PUSH_TEXTS.notification, 'notification');
  }

  #send(text: string, type: PushMessageType): void {
    this.#line.send(text);
    this.#keepAlive.sent(this.#options.clock.monotonic());
    this.#options.onSent(type);
  }

  #isStuck(now: number): boolean {
    if (this.#line.queuedBytes === 0) {
      this.#stuck = undefined;
      return false;
    }
    const taken = this.#line.takenBytes;
    if (this.#stuck?.taken !== taken) this.#stuck = { since: now, taken };
    return now - this.#stuck.since >= STUCK_MS;
  }

  /** False when it was over already. */
  #finish(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#reminder.stop();
    this.#options.onEnd(this);
    return true;
  }
}
