export interface KeyedLimits {
  readonly total: number;
  readonly perKey: number;
}

/** How many of something there are at once, all together and of each key. */
export class KeyedPlaces {
  readonly #limits: KeyedLimits;
  readonly #byKey = new Map<string, number>();
  #total = 0;

  constructor(limits: KeyedLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#total;
  }

  /** Takes a place, and returns how to give it back (a second time does nothing); undefined when there is none. */
  take(key: string): (() => void) | undefined {
    const own = this.#byKey.get(key) ?? 0;
    if (this.#total >= this.#limits.total || own >= this.#limits.perKey) return undefined;
    this.#total += 1;
    this.#byKey.set(key, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#leave(key);
    };
  }

  #leave(key: string): void {
    this.#total -= 1;
    const left = (this.#byKey.get(key) ?? 1) - 1;
    if (left === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}
