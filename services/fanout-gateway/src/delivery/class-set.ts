import type { Connection, Override } from './connection.ts';

/** The bytes of one event for one class, or anything else that has a place in the order of the log. */
export interface Frame {
  readonly sequence: number;
  /** The class it comes from: an owner's own answer replaces the frame of exactly that class. */
  readonly source: object;
  readonly bytes: Buffer;
}

/** A member's place in a {@link MemberSet}, so that leaving costs the same in a set of any size. */
export interface Seat {
  readonly connection: Connection;
  index: number;
}

/**
 * The members of one class on one tick, and the frames that this tick has brought for them. Most classes of a busy
 * gateway have one member: its arrays hold one place each, not the many that a first `push` would make room for.
 */
export class MemberSet {
  #members: Connection[] = [];
  #seats: Seat[] = [];
  /** In the order of the log by construction; null: not dirty. */
  frames: Frame[] | null = null;

  get members(): readonly Connection[] {
    return this.#members;
  }

  add(connection: Connection): Seat {
    const seat = { connection, index: this.#members.length };
    if (seat.index === 0) {
      this.#members = [connection];
      this.#seats = [seat];
    } else {
      this.#members.push(connection);
      this.#seats.push(seat);
    }
    return seat;
  }

  /** The last member takes the place of the one that leaves. */
  remove(seat: Seat): void {
    const lastSeat = this.#seats.pop();
    const lastMember = this.#members.pop();
    if (lastSeat === undefined || lastMember === undefined || lastSeat === seat) return;
    this.#seats[seat.index] = lastSeat;
    this.#members[seat.index] = lastMember;
    lastSeat.index = seat.index;
  }
}

/**
 * A node of the trie over the dirty classes of one tick. Connections with the same dirty classes meet in the same
 * node and share its bytes, which are joined once, when the first of them is written to.
 */
export class DirtyNode {
  readonly #parent: DirtyNode | null;
  readonly #own: readonly Frame[];
  #frames: readonly Frame[] | undefined;
  #bytes: Buffer | undefined;
  #lastSet: MemberSet | undefined;
  #lastChild: DirtyNode | undefined;
  #children: Map<MemberSet, DirtyNode> | undefined;

  constructor(parent: DirtyNode | null, own: readonly Frame[]) {
    this.#parent = parent;
    this.#own = own;
  }

  /** The node for connections that have this set's frames as well. Members are walked set by set: the last one hits. */
  child(set: MemberSet): DirtyNode {
    if (this.#lastSet === set && this.#lastChild !== undefined) return this.#lastChild;
    this.#children ??= new Map();
    let child = this.#children.get(set);
    if (child === undefined) {
      child = new DirtyNode(this, set.frames ?? []);
      this.#children.set(set, child);
    }
    this.#lastSet = set;
    this.#lastChild = child;
    return child;
  }

  /** All frames from the root to here, in the order of the log. */
  frames(): readonly Frame[] {
    this.#frames ??= this.#merge();
    return this.#frames;
  }

  /** The frames' bytes, joined. */
  bytes(): Buffer {
    this.#bytes ??= joinFrames(this.frames());
    return this.#bytes;
  }

  #merge(): readonly Frame[] {
    const parts: (readonly Frame[])[] = this.#own.length > 0 ? [this.#own] : [];
    for (let node = this.#parent; node !== null; node = node.#parent) {
      if (node.#frames !== undefined) {
        parts.push(node.#frames);
        break;
      }
      if (node.#own.length > 0) parts.push(node.#own);
    }
    const [only] = parts;
    if (only === undefined) return [];
    if (parts.length === 1) return only;
    // Each part is in order and the sort is stable: the root's frames of an event stay first.
    return parts
      .reverse()
      .flat()
      .sort((a, b) => a.sequence - b.sequence);
  }
}

/** The bytes of frames as one buffer; a single frame's own when there is but one. */
export function joinFrames(frames: readonly Pick<Frame, 'bytes'>[]): Buffer {
  const [only] = frames;
  if (frames.length === 1 && only !== undefined) return only.bytes;
  return Buffer.concat(frames.map((frame) => frame.bytes));
}

/** Frames without those that a connection's own answers replace, and with these, in the order of the log. */
export function replaceFrames(frames: readonly Frame[], overrides: readonly Override[]): readonly Frame[] {
  const bySequence = Map.groupBy(overrides, ({ sequence }) => sequence);
  const kept = frames.filter(
    (frame) => !bySequence.get(frame.sequence)?.some(({ source }) => source === frame.source),
  );
  const own = overrides.filter((override): override is Override & Frame => override.bytes !== null);
  return [...kept, ...own].sort((a, b) => a.sequence - b.sequence);
}
