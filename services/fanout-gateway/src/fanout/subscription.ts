import type { LogPosition, ObjectAction, ObjectMessage, ResyncReason } from '@tidewire/contract';
import type { Condition } from '@tidewire/condition';
import type { EventSelection } from '@tidewire/graphql';
import type { Decision } from '@tidewire/policy';
import type { Connection, ConnectionOptions } from '../delivery/connection.ts';

/** A topic by ids, so that a slug that is used again never means something older. */
export type Interest =
  | { readonly kind: 'register'; readonly registerId: string }
  | { readonly kind: 'schema'; readonly schemaId: string }
  | { readonly kind: 'object'; readonly uuid: string }
  | { readonly kind: 'organisation'; readonly organisationId: string };

/** One member of an order. The order itself is the client's: changes bring the values that it goes by. */
export interface SortTerm {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

export interface SchemaReference {
  readonly schemaId: string;
  /** Absent where the topic names the schema itself. */
  readonly registerId?: string;
}

/** What one connection wants to be told. All its topics together: an event comes once, however many of them hold it. */
export interface SubscriptionRequest {
  readonly topics: readonly Interest[];
  /**
   * What the principal may read of a schema now; undefined: nothing (also for a schema nobody knows). Asked once per
   * subscription and schema, when the first topic or event needs it; after a change of rights the subscription is
   * renewed ({@link FanOutPort.renew}).
   */
  decisionFor(schema: SchemaReference): Decision | undefined;
  /**
   * Schemas that the topics reach and whose rules look at the time: the subscription takes part in them before their first
   * event, because it is told when time has passed.
   */
  timedSchemas?(): readonly SchemaReference[];
  /** Judged on the projected row. `ALWAYS` when there is none. */
  readonly filter: Condition;
  /** Properties the subscriber asked for; undefined: all it may see. System members are always there. */
  readonly fields: readonly string[] | undefined;
  /** Which events it asked for, by what they are called on the wire; undefined: all. */
  readonly events: readonly ObjectAction[] | undefined;
  /** Slug of the table, on the tables face; undefined: the registers face. */
  readonly table?: string | undefined;
  /** The order in which the client keeps a table's records; undefined: none that changes have to tell of. */
  readonly sort?: readonly SortTerm[] | undefined;
  /** What a GraphQL subscription selects; undefined: what the face tells. */
  readonly selection?: EventSelection | undefined;
  /** Organisations whose actors the principal may be told about; `all` for admin. */
  readonly actorOrganisations: readonly string[] | 'all';
}

/** A running subscription; what it holds is the fan-out's own. */
export interface Subscription {
  readonly connection: Connection;
  readonly request: SubscriptionRequest;
}

/** An event of the log as the fan-out takes it. */
export interface ObjectEntry {
  readonly epoch: string;
  readonly sequence: number;
  readonly message: ObjectMessage;
}

/** All events of one object between a cursor and the newest applied position, in the order of the log; at least one. */
export interface FoldedObject {
  readonly events: readonly ObjectEntry[];
}

/** One frame as it goes onto the connection's wire. */
export interface EncodedFrame {
  readonly sequence: number;
  readonly bytes: Buffer;
}

/** What the rest of the gateway asks of the fan-out. */
export interface FanOutPort {
  addConnection(options: ConnectionOptions): Connection;
  /** Forgets a connection, its subscriptions and what it was owed. */
  removeConnection(connection: Connection): void;
  /**
   * Begins with the next published event.
   * @throws TidewireError TOO_MANY_SUBSCRIPTIONS when its filter is not indexable and too many such run already.
   */
  subscribe(connection: Connection, request: SubscriptionRequest): Subscription;
  unsubscribe(subscription: Subscription): void;
  /** Rights or catalogue changed: asks again what may be read, and tells the client to fetch again. */
  renew(subscription: Subscription): void;
  /** The next event of the log. Never called while stale: whoever reads the log holds it meanwhile. */
  publish(entry: ObjectEntry): void;
  /** The log went on to here without an event of an object. */
  advance(position: LogPosition): void;
  /** The log began anew: every client is told to fetch again. */
  reset(position: LogPosition): void;
  /** Up to where everything was judged. */
  evaluatedPosition(): LogPosition;
  /** Keeps live frames back while a replay is written. */
  hold(connection: Connection): void;
  /** Ends {@link hold}: live frames after `afterSequence` follow, the others are dropped. May lie ahead of the log. */
  release(connection: Connection, afterSequence: number): void;
  /** Replayed objects through the same judging, trimming and encoding, for all subscriptions of a connection. */
  encodeFor(connection: Connection, objects: readonly FoldedObject[]): EncodedFrame[];
  /** "Fetch again": replaces what is owed to the connection. */
  resync(connection: Connection, reason: ResyncReason): void;
  /** Writes what the connection is owed now, so that the caller may write after it. */
  settle(connection: Connection): void;
  /** Writes what the connection is owed, then the position that it has with it; neither while that may not be said. */
  beat(connection: Connection): void;
  /** While stale nothing leaves: no frame, no heartbeat, no debt. Nothing is lost by it. */
  stale(on: boolean): void;
  /** Writes everything that is owed and stops the timers. */
  stop(): void;
}
