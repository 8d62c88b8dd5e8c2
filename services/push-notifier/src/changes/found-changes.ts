import { formatTopic } from '@tidewire/contract';
import type { ObjectMessage, PushAction, PushBody } from '@tidewire/contract';
import { batchBody, eventBody } from '../push-body.ts';
import type { FoundChange } from './change-repository-postgres.ts';

/** A register's schema, by their slugs. */
export interface Collection {
  readonly register: string;
  readonly schema: string;
}

/** Followers who are told of each event elsewhere, and not only that there was one: the names that they have there. */
export type Hearers = ReadonlyMap<string, string>;

/** What some of them are told. */
export interface Hint {
  readonly body: PushBody;
  readonly principals: ReadonlySet<string>;
}

const NOBODY: Hearers = new Map();

/** What was found for one follower. */
interface Found {
  /** Of each collection the newest change. */
  readonly sequences: Map<string, number>;
  first: number;
  /** Events, for the other topics under which they can be asked for: these are not kept. */
  readonly events: Set<ObjectMessage>;
}

/** What was found in some entries of the log: of each collection of each follower the newest change. */
export class FoundChanges {
  readonly hearers: Hearers;
  readonly #found = new Map<string, Found>();
  readonly #collections = new WeakMap<ObjectMessage, string>();
  readonly #sights = new Map<string, { readonly collection: Collection; readonly principals: Set<string> }>();
  readonly #hints = new Map<string, { readonly body: PushBody; readonly principals: Set<string> }>();

  constructor(hearers: Hearers = NOBODY) {
    this.hearers = hearers;
  }

  get size(): number {
    return this.#found.size;
  }

  /** Everybody for whom something was found, with the first of it. */
  *principals(): Generator<readonly [principal: string, first: number]> {
    for (const [principal, { first }] of this.#found) yield [principal, first];
  }

  /** An event that a follower may hear of, and what it is to it. Called for each event and follower: it has to be cheap. */
  addEvent(principal: string, message: ObjectMessage, sequence: number, action: PushAction): void {
    this.#add(principal, this.#collectionOf(message), sequence).events.add(message);
    if (this.hearers.has(principal)) {
      this.#hint(principal, `${sequence} ${action}`, () => eventBody(message, action));
    }
  }

  /** Something of a collection, nobody knows what. */
  addBatch(principal: string, collection: Collection, sequence: number): void {
    const topic = formatTopic({ kind: 'schema', ...collection });
    this.#add(principal, topic, sequence);
    if (this.hearers.has(principal)) this.#hint(principal, topic, () => batchBody(collection));
  }

  /** A collection of which a follower sees something else since rights were changed. */
  addSight(principal: string, collection: Collection, sequence: number): void {
    const topic = formatTopic({ kind: 'schema', ...collection });
    this.addBatch(principal, collection, sequence);
    const known = this.#sights.get(topic) ?? { collection, principals: new Set<string>() };
    known.principals.add(principal);
    this.#sights.set(topic, known);
  }

  /** Those collections, each with its followers. */
  sights(): Iterable<{ readonly collection: Collection; readonly principals: ReadonlySet<string> }> {
    return this.#sights.values();
  }

  /** What hearers are told: each event, and of collections that something changed. */
  hints(): Iterable<Hint> {
    return this.#hints.values();
  }

  /** As they are kept. */
  list(): readonly FoundChange[] {
    return [...this.#found].flatMap(([principal, { sequences }]) =>
      [...sequences].map(([topic, sequence]) => ({ principal, topic, sequence })),
    );
  }

  /** Every form of topic under which a follower's changes can be asked for. */
  topicsOf(principal: string): readonly string[] {
    const found = this.#found.get(principal);
    if (found === undefined) return [];
    const collections = [...found.sequences.keys()];
    const registers = collections.map((topic) => topic.slice(0, topic.indexOf('/schema/')));
    return [...new Set([...collections, ...registers, ...[...found.events].flatMap(otherTopicsOf)])];
  }

  #add(principal: string, topic: string, sequence: number): Found {
    let found = this.#found.get(principal);
    if (found === undefined) {
      found = { sequences: new Map(), first: sequence, events: new Set() };
      this.#found.set(principal, found);
    }
    if (sequence > (found.sequences.get(topic) ?? -1)) found.sequences.set(topic, sequence);
    if (sequence < found.first) found.first = sequence;
    return found;
  }

  #collectionOf(message: ObjectMessage): string {
    const known = this.#collections.get(message);
    if (known !== undefined) return known;
    const { register, schema } = message;
    const topic = formatTopic({ kind: 'schema', register: register.slug, schema: schema.slug });
    this.#collections.set(message, topic);
    return topic;
  }

  #hint(principal: string, key: string, body: () => PushBody): void {
    const hint = this.#hints.get(key) ?? { body: body(), principals: new Set() };
    this.#hints.set(key, hint);
    hint.principals.add(principal);
  }
}

/** The topics of an event beside its collection and its register. */
function otherTopicsOf({ uuid, organisation }: ObjectMessage): readonly string[] {
  return [
    formatTopic({ kind: 'object', uuid }),
    ...(organisation === null ? [] : [formatTopic({ kind: 'organisation', uuid: organisation })]),
  ];
}
