/** A state with the position in the log that it was seen at. */
interface Seen<T> {
  readonly state: T;
  readonly sequence: number;
}

/**
 * The newest states of whatever changed lately, by id, so that an answer that was read before a change but
 * arrives after it can be told apart. Bounded: the oldest entries are dropped, and the position of the
 * newest dropped one is kept as the floor below which nothing can be vouched for.
 */
export class RecentStates<T extends { readonly id: string; readonly version: number }> {
  readonly #byId = new Map<string, Seen<T>>();
  readonly #capacity: number;
  #floor = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Remembers a state unless a newer version is known. */
  add(state: T, sequence: number): void {
    const known = this.#byId.get(state.id);
    if (known !== undefined && known.state.version >= state.version) return;
    this.#byId.delete(state.id);
    this.#byId.set(state.id, { state, sequence });
    if (this.#byId.size <= this.#capacity) return;
    for (const [id, oldest] of this.#byId) {
      this.#byId.delete(id);
      this.#floor = Math.max(this.#floor, oldest.sequence);
      return;
    }
  }

  /** What the log told last of an id; undefined: nothing lately. */
  find(id: string): T | undefined {
    return this.#byId.get(id)?.state;
  }

  /**
   * The newest known version of a state that was read at a position: the state itself, a newer one from
   * the log, or undefined when a change after that position may have been forgotten (read it again).
   */
  newest(state: T, sequence: number): T | undefined {
    const known = this.#byId.get(state.id)?.state;
    if (known !== undefined) return known.version > state.version ? known : state;
    return sequence >= this.#floor ? state : undefined;
  }
}
