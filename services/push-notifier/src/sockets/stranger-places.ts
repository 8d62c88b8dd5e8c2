export interface StrangerLimits {
  readonly total: number;
  readonly perAddress: number;
}

/** Sockets whose clients are yet to say who they are: all of them, and those of each network address. */
export class StrangerPlaces {
  readonly #limits: StrangerLimits;
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#total;
  }

  /** Takes a place, and returns how to give it back (a second time does nothing); undefined when there is none. */
  take(address: string): (() => void) | undefined {
    const own = this.#byAddress.get(address) ?? 0;
    if (this.#total >= this.#limits.total || own >= this.#limits.perAddress) return undefined;
    this.#total += 1;
    this.#byAddress.set(address, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#leave(address);
    };
  }

  #leave(address: string): void {
    this.#total -= 1;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}
