import { FEED_ANSWERS } from '@tidewire/contract';
import type { InboxMessage } from '@tidewire/test-kit';
import type { FeedGroup } from './feed-group.ts';
import type { Handed } from './group-ledger.ts';
import type { Random } from './random.ts';
import { REFUSED } from './transports/nats-connections.ts';
import type { NatsConnection, NatsConnections } from './transports/nats-connections.ts';
import { HEARTBEAT_MS, readEvent, refusalOf } from './transports/nats.ts';

/** How a worker goes about what it is given, from one request to the next. */
const MANNERS = [
  'quick',
  'slow',
  'wide',
  'giving back',
  'working',
  'holding',
  'leaving',
  'stopping',
  'vanishing',
] as const;
type Manner = (typeof MANNERS)[number];
const WEIGHTS: Readonly<Record<Manner, number>> = {
  'quick': 6,
  'slow': 3,
  'wide': 3,
  'giving back': 2,
  'working': 1,
  'holding': 1,
  'leaving': 1,
  'stopping': 1,
  'vanishing': 0.4,
};

/** So short that what has vanished with a worker does not keep a quiet point waiting. */
const ACK_WAIT_MS = 2000;
/** Less than that by what a message takes to a busy machine: so long an event is certainly in its worker's hands. */
export const HOLD_MS = 800;
const EXPIRES_MS = [700, 3000, 60_000];
const WIDE = 3;
const SLOW_MS = 150;
/** Longer than a heartbeat, by which the group says what it takes for done. */
const LONG_MS = 350;
const BACK_CHANCE = 0.3;
const RETRY_MS = 100;
/** Four heartbeats. Whoever is not told anything for so long asks again, and still takes what comes late. */
const SILENCE_MS = 1500;

/** One request, from which events come until it is over. */
interface Request {
  readonly manner: Manner;
  readonly connection: NatsConnection;
  readonly isWide: boolean;
  /** What all gateways had reached at the latest when it was last free to take something. */
  floor: number;
  taken: number;
  isOver: boolean;
  lost: () => void;
  leave: () => void;
}

/** A worker of a group: asks, works, asks again, in many manners. */
export class GroupWorker {
  readonly #group: FeedGroup;
  readonly #nats: NatsConnections;
  readonly #random: Random;
  #silence: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #request: Request | undefined;
  #isStopped = false;

  constructor(group: FeedGroup, nats: NatsConnections, random: Random) {
    this.#group = group;
    this.#nats = nats;
    this.#random = random;
  }

  start(): void {
    clearTimeout(this.#retry);
    if (!this.#isStopped) void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    if (this.#request !== undefined) this.#over(this.#request);
  }

  #later(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.start(), RETRY_MS);
  }

  async #ask(): Promise<void> {
    const ticket = this.#group.ticket();
    if (ticket === undefined) {
      this.#later();
      return;
    }
    const connection = await this.#nats.use(ticket);
    if (this.#isStopped) return;
    if (connection === REFUSED || connection.client.connection.isClosed()) {
      this.#later();
      return;
    }
    const manner = this.#random.weighted(MANNERS.map((one) => [WEIGHTS[one], one] as const));
    const isWide = manner === 'wide';
    const floor = this.#group.floor();
    const request: Request = {
      manner,
      connection,
      isWide,
      floor,
      taken: 0,
      isOver: false,
      lost: () => undefined,
      leave: () => undefined,
    };
    const lost = (): void => {
      this.#group.ledger.lost(connection);
      if (request.isOver) return;
      this.#over(request);
      this.#later();
    };
    request.lost = lost;
    connection.onClosed.add(lost);
    this.#request = request;
    this.#expectSigns();
    const wish = {
      ...this.#group.wish,
      expires: this.#random.pick(EXPIRES_MS),
      heartbeat: HEARTBEAT_MS,
      ackWait: ACK_WAIT_MS,
      ...(isWide ? { window: WIDE } : {}),
      ...(this.#random.chance(0.2) ? { max: 4 } : {}),
    };
    try {
      const feed = await connection.client.feed(wish, {
        answer: (message) => (request.isOver ? undefined : this.#take(request, message)),
      });
      request.leave = () => feed.leave();
      if (request.isOver) feed.leave();
    } catch {
      lost();
    }
  }

  /** What the message is answered with at once. */
  #take(request: Request, message: InboxMessage): string | undefined {
    if (request === this.#request) this.#expectSigns();
    const refusal = refusalOf(message);
    const { type, eventId, lastEventId } = message.body as {
      readonly type?: string;
      readonly eventId?: string;
      readonly lastEventId?: string;
    };
    if (refusal !== undefined || message.contentType === '') {
      if (refusal !== undefined) this.#group.refused(refusal.refused, refusal.body);
      this.#over(request);
      this.#later();
      return undefined;
    }
    this.#group.admitted();
    if (type === 'end') {
      if (lastEventId !== undefined) this.#group.ledger.reached(lastEventId, undefined);
      const isCurrent = request === this.#request;
      this.#over(request);
      if (isCurrent) this.start();
      return undefined;
    }
    if (type === 'heartbeat') {
      if (eventId !== undefined) this.#group.ledger.reached(eventId, message.reply);
      return FEED_ANSWERS.done;
    }
    if (message.reply !== '') this.#work(request, message);
    return undefined;
  }

  #work(request: Request, message: InboxMessage): void {
    const { body, reply } = message;
    const { type } = body as { readonly type?: string };
    const { connection, floor } = request;
    const handed =
      type === 'resync'
        ? this.#group.ledger.resync(JSON.stringify(body), { reply, floor, connection })
        : this.#group.ledger.event(readEvent(body), { reply, floor, connection });
    request.taken += 1;
    const { manner } = request;
    const answer = (text: string): void => this.#answer(request, handed, text);
    if (manner === 'vanishing' && request.taken > 1) {
      this.#over(request);
      this.#later();
    } else if (manner === 'slow')
      setTimeout(() => answer(FEED_ANSWERS.done), this.#nats.isHurried ? 0 : SLOW_MS);
    else if (manner === 'giving back' && this.#random.chance(BACK_CHANCE)) answer(FEED_ANSWERS.again);
    else if (manner === 'stopping' && request.taken > 2) {
      // It may be the last word of a worker: what it holds is given to somebody else.
      answer(FEED_ANSWERS.stop);
    } else if (manner === 'holding') {
      this.#nats.forge(connection.ticket, reply);
      setTimeout(() => answer(FEED_ANSWERS.done), LONG_MS);
    } else if (manner === 'working') {
      connection.client.connection.publish(reply, FEED_ANSWERS.working);
      setTimeout(() => answer(FEED_ANSWERS.done), SLOW_MS);
    } else {
      answer(FEED_ANSWERS.done);
      if (manner !== 'leaving' || request.taken < 3) return;
      this.#over(request);
      this.#later();
    }
  }

  #answer(request: Request, handed: Handed, text: string): void {
    const { connection } = request;
    if (connection.client.connection.isClosed() || this.#isStopped) return;
    if (!request.isWide) request.floor = this.#group.floor();
    this.#group.ledger.answered(handed, text === FEED_ANSWERS.done);
    connection.client.connection.publish(handed.reply, text);
  }

  #over(request: Request): void {
    request.isOver = true;
    request.connection.onClosed.delete(request.lost);
    request.leave();
    if (request === this.#request) clearTimeout(this.#silence);
  }

  /** Its server may be gone; or be late: what it has still to say is taken all the same. */
  #expectSigns(): void {
    clearTimeout(this.#silence);
    if (!this.#isStopped) this.#silence = setTimeout(() => this.start(), SILENCE_MS);
  }
}
