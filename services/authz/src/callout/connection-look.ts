import type { Clock, Timer } from '@tidewire/service-kit';

/** Connections to look for: of these users or, with `all`, of everybody whose credential does not count by the database. */
export interface ConnectionLook {
  readonly names: ReadonlySet<string>;
  readonly all: boolean;
}

export const NO_LOOK: ConnectionLook = Object.freeze({ names: new Set<string>(), all: false });
export const LOOK_AT_ALL: ConnectionLook = Object.freeze({ names: new Set<string>(), all: true });

/** Looked for one by one; of more, all connections are listed. */
const MOST_NAMES = 20;

export function isEmptyLook({ names, all }: ConnectionLook): boolean {
  return !all && names.size === 0;
}

/** Both in one. */
export function mergeLooks(a: ConnectionLook, b: ConnectionLook): ConnectionLook {
  if (a.all || b.all) return LOOK_AT_ALL;
  const names = a.names.union(b.names);
  return names.size > MOST_NAMES ? LOOK_AT_ALL : { names, all: false };
}

/** Carries out looks later, all of a while together: none before its time, none after twice its time. */
export class LaterLook {
  readonly #clock: Pick<Clock, 'setTimeout'>;
  readonly #delayMs: number;
  readonly #run: (look: ConnectionLook) => void;
  #timer: Timer | undefined;
  /** What the timer is for, and what came since it was set. */
  #due = NO_LOOK;
  #next = NO_LOOK;

  constructor(clock: Pick<Clock, 'setTimeout'>, delayMs: number, run: (look: ConnectionLook) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#run = run;
  }

  add(look: ConnectionLook): void {
    if (this.#timer !== undefined) this.#next = mergeLooks(this.#next, look);
    else this.#arm(look);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(look: ConnectionLook): void {
    this.#due = look;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), this.#delayMs);
  }

  #fire(): void {
    this.#timer = undefined;
    const [due, next] = [this.#due, this.#next];
    this.#next = NO_LOOK;
    if (!isEmptyLook(next)) this.#arm(next);
    this.#run(due);
  }
}
