import type { ObjectMessage } from '@tidewire/contract';

/** A collection of which something changed. */
export interface ChangedCollection {
  /** The schema's. */
  readonly id: string;
  readonly register: string;
  readonly schema: string;
}

/** Events that wait to be told. Where they are too many it is only known of which collections they were. */
export class Backlog {
  readonly #most: number;
  #events: ObjectMessage[] = [];
  #collections = new Map<string, ChangedCollection>();

  constructor(most: number) {
    this.#most = most;
  }

  get empty(): boolean {
    return this.#events.length === 0 && this.#collections.size === 0;
  }

  push(message: ObjectMessage): void {
    this.#events.push(message);
    if (this.#events.length <= this.#most) return;
    for (const { register, schema } of this.#events) {
      this.#collections.set(schema.id, { id: schema.id, register: register.slug, schema: schema.slug });
    }
    this.#events = [];
  }

  /** What waits, which does not any more. Collections come before the events. */
  take(): { readonly events: readonly ObjectMessage[]; readonly collections: Iterable<ChangedCollection> } {
    const taken = { events: this.#events, collections: this.#collections.values() };
    this.clear();
    return taken;
  }

  clear(): void {
    this.#events = [];
    this.#collections = new Map();
  }
}
