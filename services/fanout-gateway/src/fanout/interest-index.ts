import type { ObjectMessage } from '@tidewire/contract';
import type { Interest, SchemaReference } from './subscription.ts';

/** The subscriptions to one topic that is not one schema, and the schemas that it was found in so far. */
interface Watched<S> {
  readonly subscriptions: Set<S>;
  readonly schemas: Map<string, SchemaReference>;
}

/** Schemas of one topic that are remembered: an object has one, an organisation or register as many as there are. */
const MAX_SCHEMAS = 100_000;

/**
 * Topics over several schemas: registers, organisations, objects. A subscription to one takes part in a schema when
 * the first event of that schema comes by, so that an object's topic costs one schema and not all of them, and a
 * schema that is created later is just one more.
 */
export class InterestIndex<S> {
  readonly #registers = new Map<string, Watched<S>>();
  readonly #organisations = new Map<string, Watched<S>>();
  readonly #objects = new Map<string, Watched<S>>();

  /** Adds a subscription; returns the schemas that its topic was found in already. */
  add(topic: Interest, subscription: S): Iterable<SchemaReference> {
    const place = this.#place(topic);
    if (place === undefined) return [];
    let watched = place.map.get(place.id);
    if (watched === undefined) {
      watched = { subscriptions: new Set(), schemas: new Map() };
      place.map.set(place.id, watched);
    }
    watched.subscriptions.add(subscription);
    return watched.schemas.values();
  }

  remove(topic: Interest, subscription: S): void {
    const place = this.#place(topic);
    const watched = place?.map.get(place.id);
    if (place === undefined || watched === undefined) return;
    watched.subscriptions.delete(subscription);
    if (watched.subscriptions.size === 0) place.map.delete(place.id);
  }

  /** Calls `join` for the subscriptions to whose topics this event is the first of its schema. */
  meet(message: ObjectMessage, join: (subscription: S, schema: SchemaReference) => void): void {
    this.#meet(this.#registers.get(message.register.id), message, join);
    if (message.organisation !== null) {
      this.#meet(this.#organisations.get(message.organisation), message, join);
    }
    this.#meet(this.#objects.get(message.uuid), message, join);
  }

  #meet(
    watched: Watched<S> | undefined,
    message: ObjectMessage,
    join: (subscription: S, schema: SchemaReference) => void,
  ): void {
    const schemaId = message.schema.id;
    if (watched === undefined || watched.schemas.has(schemaId)) return;
    const schema = { schemaId, registerId: message.register.id };
    if (watched.schemas.size < MAX_SCHEMAS) watched.schemas.set(schemaId, schema);
    for (const subscription of watched.subscriptions) join(subscription, schema);
  }

  #place(topic: Interest): { readonly map: Map<string, Watched<S>>; readonly id: string } | undefined {
    switch (topic.kind) {
      case 'register':
        return { map: this.#registers, id: topic.registerId };
      case 'organisation':
        return { map: this.#organisations, id: topic.organisationId };
      case 'object':
        return { map: this.#objects, id: topic.uuid };
      case 'schema':
        return undefined;
    }
  }
}
