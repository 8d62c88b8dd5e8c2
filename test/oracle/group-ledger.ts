import { Finding } from './finding.ts';
import { HOLD_MS } from './group-worker.ts';
import { sequenceOf } from './subscriber.ts';
import type { ReceivedEvent } from './transport.ts';
import type { NatsConnection } from './transports/nats-connections.ts';

/** How something was handed to a worker. */
interface Handing {
  readonly reply: string;
  /** What all gateways had reached before it was handed out. */
  readonly floor: number;
  readonly connection: NatsConnection;
}

/** An event, or the word to fetch everything again, that a worker was given. */
export interface Handed extends Handing {
  readonly event: ReceivedEvent;
  readonly sequence: number;
  /** Of the object that it is about; undefined: it is no event. */
  readonly uuid: string | undefined;
  /** Who handed it out: a gateway, as the leader of the group. */
  readonly leader: string;
  readonly at: number;
  state: 'in hands' | 'done' | 'back' | 'unknown';
}

export interface GroupLedgerOptions {
  readonly name: string;
  readonly onFinding: (finding: Finding) => void;
  /** An event was done that is newer than all that were done of its object. */
  readonly onDone: (handed: Handed) => void;
  readonly onResync: (text: string) => void;
}

/** What workers of a group were given and have done, and whether that was theirs to do then. */
export class GroupLedger {
  /** Not judged yet. */
  receipts: Handed[] = [];
  /** The place at which the group began; undefined: nobody said yet. */
  start: number | undefined;
  /** The place that it has told last: everything up to there is done. */
  place = 0;
  /** Everything up to here was fetched again. */
  fetchedUpTo = 0;
  count = 0;
  repeats = 0;
  readonly #options: GroupLedgerOptions;
  #inHands: Handed[] = [];
  readonly #done = new Map<number, Handed>();
  readonly #seen = new Set<number>();
  readonly #newest = new Map<string, number>();
  readonly #applied = new Map<string, number>();

  constructor(options: GroupLedgerOptions) {
    this.#options = options;
  }

  isDone(sequence: number): boolean {
    return this.#done.has(sequence);
  }

  /** Whether it was given out before. */
  isKnown(sequence: number): boolean {
    return this.#seen.has(sequence);
  }

  /** What a worker is given. */
  event(event: ReceivedEvent, handing: Handing): Handed {
    const { data, subject, recordId } = JSON.parse(event.text) as {
      readonly data?: { readonly uuid?: string };
      readonly subject?: string;
      readonly recordId?: string;
    };
    const handed = this.#hand(event, subject ?? recordId ?? data?.uuid, handing);
    const { sequence, uuid = '', leader } = handed;
    this.count += 1;
    const now = Date.now();
    for (const other of this.#inHands) {
      const isHeld = other.state === 'in hands' && now < other.at + HOLD_MS;
      if (!isHeld || other.leader !== leader || other.uuid !== uuid) continue;
      this.#wrong('two workers have events of one object in their hands', handed, other);
    }
    const before = this.#done.get(sequence);
    // What comes later may be given out again because its answer came too late.
    if (before?.leader === leader && before.state === 'done' && now < before.at + HOLD_MS) {
      this.#wrong('an event is given out again that was done', handed, before);
    }
    const newest = this.#newest.get(uuid) ?? 0;
    if (this.#seen.has(sequence)) this.repeats += 1;
    else if (sequence < newest) this.#wrong(`an event comes after ${newest} of its object`, handed);
    this.#seen.add(sequence);
    this.#newest.set(uuid, Math.max(newest, sequence));
    this.#inHands.push(handed);
    this.receipts.push(handed);
    return handed;
  }

  resync(text: string, handing: Handing): Handed {
    const { current: id, reason } = JSON.parse(text) as { readonly current: string; readonly reason: string };
    if (['epoch', 'malformed', 'unencodable'].includes(reason)) {
      const { name, onFinding } = this.#options;
      onFinding(new Finding('unexpected-resync', `${name}: ${text}`));
    }
    const handed = this.#hand({ id, name: 'resync', text }, undefined, handing);
    this.#inHands.push(handed);
    return handed;
  }

  /** Its worker has answered. */
  answered(handed: Handed, isDone: boolean): void {
    const { sequence, uuid, at, event } = handed;
    // Whether an answer so late is taken is not known.
    handed.state = Date.now() >= at + HOLD_MS ? 'unknown' : isDone ? 'done' : 'back';
    this.#inHands = this.#inHands.filter((one) => one !== handed);
    if (!isDone) return;
    if (uuid === undefined) {
      this.fetchedUpTo = Math.max(this.fetchedUpTo, sequence);
      this.#options.onResync(event.text);
      return;
    }
    this.#done.set(sequence, handed);
    if (sequence <= (this.#applied.get(uuid) ?? 0)) return;
    this.#applied.set(uuid, sequence);
    this.#options.onDone(handed);
  }

  /** The group says that everything up to a place is done; `reply`: who says so. */
  reached(id: string, reply: string | undefined): void {
    const place = sequenceOf(id);
    this.start ??= place;
    this.place = place;
    const leader = reply === undefined ? undefined : leaderOf(reply);
    const passed = this.#inHands.find(
      (one) =>
        one.leader === leader &&
        one.state === 'in hands' &&
        // A place may be the one that is to be fetched again from: because time has passed there.
        one.uuid !== undefined &&
        Date.now() < one.at + HOLD_MS &&
        one.sequence <= place,
    );
    if (passed === undefined) return;
    const { name, onFinding } = this.#options;
    const message = `${name} says that all is done up to ${place}, and ${passed.event.id} is not`;
    onFinding(new Finding('loss', message, { event: passed.event }));
  }

  /** A connection is gone: whether its last answers came is not known. */
  lost(connection: NatsConnection): void {
    for (const handed of [...this.#inHands, ...this.#done.values()]) {
      if (handed.connection === connection) handed.state = 'unknown';
    }
    this.#inHands = this.#inHands.filter(({ state }) => state === 'in hands');
  }

  /** What was judged and is done does not have to be known in full any more. */
  forget(): void {
    const longAgo = Date.now() - 2 * HOLD_MS;
    this.#inHands = this.#inHands.filter(({ at }) => at > longAgo);
    this.receipts = [];
  }

  #hand(event: ReceivedEvent, uuid: string | undefined, handing: Handing): Handed {
    return {
      ...handing,
      event,
      uuid,
      sequence: sequenceOf(event.id),
      leader: leaderOf(handing.reply),
      at: Date.now(),
      state: 'in hands',
    };
  }

  #wrong(what: string, handed: Handed, other?: Handed): void {
    const { name, onFinding } = this.#options;
    onFinding(
      new Finding('wrong-order', `${name}: ${what}: ${handed.event.id}`, {
        event: handed.event,
        other: other?.event,
        leader: handed.leader,
        sinceMs: other && handed.at - other.at,
      }),
    );
  }
}

/** The gateway and the group in a reply subject: who leads. */
function leaderOf(reply: string): string {
  const [gateway = '', token = ''] = reply.split('.').slice(-2);
  return `${gateway} ${token.split('-', 1)[0]}`;
}
