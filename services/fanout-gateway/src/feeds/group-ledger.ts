import { FEED_GROUP_LIMITS, formatEventId, parseEventId } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';

/** What is to be done by one worker: an event, or to fetch everything again. */
export interface GroupItem {
  readonly kind: 'event' | 'resync';
  /** Of the event, or of the place from which events follow. */
  readonly position: LogPosition;
  /** The object that it is about: of one object only one event is given out at a time. */
  readonly object: string | undefined;
  readonly body: Buffer;
  /** Monotonic milliseconds at which it was judged. */
  readonly judgedAt: number;
}

/**
 * What of a feed is done, what is being done and what waits, so that every event is done once and the place up to which all
 * are is known. Events come in the order of the log; after a restart of their source, again from {@link floor} on.
 */
export class GroupLedger {
  /** Everything up to here is done; null: no place is known yet. */
  #floor: LogPosition | null;
  /** The place up to which the source has told everything. */
  #ahead: LogPosition | null;
  readonly #done: Set<number>;
  /** By sequence: a resync has that of the last event before it. */
  readonly #given = new Map<number, GroupItem>();
  readonly #givenResyncs = new Set<GroupItem>();
  /** In the order of the log. */
  #waiting: GroupItem[] = [];
  #waitingBytes = 0;
  readonly #busy = new Set<string>();
  /** Something that was told is neither done nor given out nor waiting: the source has to begin at the floor. */
  #incomplete = false;
  #changes = 0;

  constructor(cursor: string | null, done: readonly string[]) {
    const floor = cursor === null ? undefined : parseEventId(cursor);
    this.#floor = floor ?? null;
    this.#ahead = this.#floor;
    this.#done = new Set(
      done.flatMap((id) => {
        const position = parseEventId(id);
        return position === undefined || position.epoch !== floor?.epoch ? [] : [position.sequence];
      }),
    );
  }

  get cursor(): string | null {
    return this.#floor === null ? null : formatEventId(this.#floor);
  }

  /** Events after the cursor that are done, in their order. */
  get doneAhead(): readonly string[] {
    const { epoch } = this.#floor ?? {};
    if (epoch === undefined) return [];
    return [...this.#done]
      .toSorted((one, other) => one - other)
      .map((sequence) => formatEventId({ epoch, sequence }));
  }

  /** How often {@link cursor} or {@link doneAhead} have become others. */
  get changes(): number {
    return this.#changes;
  }

  /** Where a source of events has to begin so that nothing is missed; null: with what follows now. */
  get start(): string | null {
    const from = this.#from();
    return from === null ? null : formatEventId(from);
  }

  /** Whether the source has to begin anew, because what it told was dropped. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** When the oldest event that waits was judged, monotonic milliseconds. */
  get judgedAt(): number | undefined {
    return this.#waiting.find(({ kind }) => kind === 'event')?.judgedAt;
  }

  /** The source begins at {@link start}: what waited is told again. */
  restarted(): void {
    this.#drop();
    this.#ahead = this.#from();
    this.#incomplete = false;
  }

  /** What waits was judged too long ago, or under rights that do not hold any more. */
  distrust(): void {
    if (this.judgedAt !== undefined) this.#incomplete = true;
    this.#drop();
  }

  /** The source has told everything up to here. */
  reached(id: string): void {
    const position = parseEventId(id);
    if (position === undefined) return;
    this.#ahead = position;
    this.#beginAt(position);
    this.#raise();
  }

  /** Takes what the source tells; one that is done or given out already is told again after a restart. */
  take(item: GroupItem): void {
    const { position } = item;
    // Whatever came before it is fetched again too.
    if (item.kind === 'resync') this.#keep([]);
    this.#ahead = position;
    this.#beginAt({ ...position, sequence: position.sequence - 1 });
    const isKnown = this.#done.has(position.sequence) || this.#given.has(position.sequence);
    if (item.kind === 'event' && isKnown) return;
    this.#waiting.push(item);
    this.#waitingBytes += item.body.length;
  }

  /** The next item that may be given out, which is given out by this; undefined: none may at the moment. */
  give(): GroupItem | undefined {
    // What is told again first may be about the same objects.
    if (this.#incomplete) return undefined;
    if (this.#given.size + this.#done.size >= FEED_GROUP_LIMITS.ahead) return undefined;
    const index = this.#waiting.findIndex(({ object }) => object === undefined || !this.#busy.has(object));
    const [item] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (item === undefined) return undefined;
    this.#waitingBytes -= item.body.length;
    if (item.kind === 'resync') this.#givenResyncs.add(item);
    else this.#given.set(item.position.sequence, item);
    if (item.object !== undefined) this.#busy.add(item.object);
    return item;
  }

  /** It is done. What is not given out, or is in other hands by now, is not touched: answers come late, and twice. */
  settle(item: GroupItem): void {
    if (!this.#takeBack(item)) return;
    const { sequence } = item.position;
    if (item.kind === 'event' && sequence > (this.#floor?.sequence ?? 0)) {
      this.#done.add(sequence);
      this.#changes += 1;
    }
    this.#raise();
  }

  /** It was not done: it is told again, as it may be told then. As with {@link settle}, only what is given out. */
  giveBack(item: GroupItem): void {
    if (!this.#takeBack(item)) return;
    if (item.kind === 'event') this.#incomplete = true;
    // No source tells it again. A later one stands for it.
    else if (this.#resync() === undefined) this.#keep([item, ...this.#waiting]);
  }

  #takeBack(item: GroupItem): boolean {
    const { sequence } = item.position;
    const isGiven = this.#given.get(sequence) === item;
    if (isGiven) this.#given.delete(sequence);
    else if (!this.#givenResyncs.delete(item)) return false;
    if (item.object !== undefined) this.#busy.delete(item.object);
    return true;
  }

  #beginAt(position: LogPosition): void {
    if (this.#floor !== null) return;
    this.#floor = position;
    this.#changes += 1;
  }

  /** Moves the floor up to what is all done. */
  #raise(): void {
    if (this.#incomplete || this.#ahead === null || this.#floor === null) return;
    // Behind a place from which nothing would tell it again.
    if (this.#givenResyncs.size > 0 || this.#resync() !== undefined) return;
    const [next] = this.#waiting;
    let sequence = Math.min(this.#ahead.sequence, (next?.position.sequence ?? Infinity) - 1);
    for (const open of this.#given.keys()) sequence = Math.min(sequence, open - 1);
    if (sequence <= this.#floor.sequence && this.#ahead.epoch === this.#floor.epoch) return;
    this.#floor = { epoch: this.#ahead.epoch, sequence };
    this.#changes += 1;
    for (const each of this.#done) if (each <= sequence) this.#done.delete(each);
  }

  #resync(): GroupItem | undefined {
    return this.#waiting.find(({ kind }) => kind === 'resync');
  }

  /** Where a source has to begin. Whoever fetches everything needs nothing of what came before. */
  #from(): LogPosition | null {
    return this.#resync()?.position ?? (this.#incomplete ? this.#floor : this.#ahead);
  }

  /** Drops the events that wait: they are told again. */
  #drop(): void {
    this.#keep(this.#waiting.filter(({ kind }) => kind === 'resync'));
  }

  #keep(items: GroupItem[]): void {
    this.#waiting = items;
    this.#waitingBytes = items.reduce((sum, { body }) => sum + body.length, 0);
  }
}
