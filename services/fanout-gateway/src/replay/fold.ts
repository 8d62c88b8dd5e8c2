import type { LogEntry } from '@tidewire/messaging';
import type { ObjectEntry } from '../fanout/subscription.ts';

/** The events of one object that a client has not been told of. */
export interface PendingObject {
  readonly events: ObjectEntry[];
}

/**
 * Collects the events of a replay object by object: what is told of an object depends on its newest image, so none
 * of its events can be judged before all of them are known. An object is its uuid in its schema: the same uuid in
 * another schema is another object, with rights of its own.
 */
export class Fold {
  readonly #objects = new Map<string, PendingObject>();

  /** Adds the next event of the log. */
  add(entry: LogEntry): void {
    const { message, epoch, sequence } = entry;
    if (message?.kind !== 'object') return;
    const key = `${message.schema.id} ${message.uuid}`;
    const object = this.#objects.get(key);
    const event = { epoch, sequence, message };
    if (object === undefined) this.#objects.set(key, { events: [event] });
    else object.events.push(event);
  }

  objects(): Iterable<PendingObject> {
    return this.#objects.values();
  }

  /**
   * Takes note that frames up to a position were written, those of `told` objects among them. What the client knows
   * of an object it was told about begins there; of the others it knows what it knew at its cursor.
   */
  written(sequence: number, told: ReadonlySet<PendingObject>): void {
    for (const [key, object] of this.#objects) {
      const newest = object.events.at(-1)?.sequence ?? 0;
      if (!told.has(object)) continue;
      if (newest <= sequence) this.#objects.delete(key);
      else
        object.events.splice(
          0,
          object.events.findIndex((event) => event.sequence > sequence),
        );
    }
  }
}
