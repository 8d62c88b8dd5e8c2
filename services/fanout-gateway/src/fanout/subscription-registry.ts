import { TidewireError } from '@tidewire/contract';
import type { ObjectMessage } from '@tidewire/contract';
import { MemberSet } from '../delivery/class-set.ts';
import type { Seat } from '../delivery/class-set.ts';
import type { Connection } from '../delivery/connection.ts';
import { InterestIndex } from './interest-index.ts';
import { SchemaClasses } from './subscription-index.ts';
import type { Interest, SchemaReference, Subscription, SubscriptionRequest } from './subscription.ts';
import { takeOut } from './take-out.ts';
import { createViewClass, isScanned, keyOf, topicRows } from './view-class.ts';
import type { ViewClass } from './view-class.ts';

/** How many filters may run that no index finds: each of them is tried on every event. */
export interface ScanLimits {
  readonly perProcess: number;
  readonly perPrincipal: number;
}

export interface RunningSubscription extends Subscription {
  readonly scanned: boolean;
  /** By schema; null where the principal may read nothing. */
  readonly classes: Map<string, ViewClass | null>;
}

/** A connection's place in a class; several of its subscriptions may share it. */
interface Membership {
  readonly viewClass: ViewClass;
  readonly seat: Seat;
  count: number;
  /** The last event whose own answer for this connection was looked at. */
  stamp: number;
}

/** What a connection takes part in. Short lists: there is one of these per connection, mostly with one entry each. */
interface Reader {
  subscriptions: RunningSubscription[];
  memberships: Membership[];
}

interface RegistryOptions {
  readonly limits: ScanLimits;
  /** A set of this tick is about to gain or lose a member while it has frames. */
  readonly assign: (tick: 0 | 1) => void;
}

/** Who is subscribed to what, and in which class: everything that changes when somebody comes or goes. */
export class SubscriptionRegistry {
  readonly #options: RegistryOptions;
  readonly #schemas = new Map<string, SchemaClasses>();
  readonly #interests = new InterestIndex<RunningSubscription>();
  readonly #byPrincipal = new Map<string, RunningSubscription[]>();
  readonly #readers = new Map<Connection, Reader>();
  readonly #scannedByPrincipal = new Map<string, number>();
  /** Classes now, and those of them that no index finds by what was asked for. */
  classes = 0;
  scannedClasses = 0;
  subscriptions = 0;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** The classes of a schema; undefined: none. */
  classesOf(schemaId: string): SchemaClasses | undefined {
    return this.#schemas.get(schemaId);
  }

  everyClass(): Iterable<ViewClass> {
    return this.#schemas.values().flatMap((classes) => classes.all());
  }

  subscriptionsOf(connection: Connection): readonly RunningSubscription[] {
    return this.#readers.get(connection)?.subscriptions ?? [];
  }

  subscriptionsOfPrincipal(principalId: string): readonly RunningSubscription[] {
    return this.#byPrincipal.get(principalId) ?? [];
  }

  /** The classes of a connection in one schema, each once. */
  classesFor(connection: Connection, schemaId: string | undefined): Set<ViewClass> {
    const found = new Set<ViewClass>();
    if (schemaId === undefined) return found;
    for (const { classes } of this.subscriptionsOf(connection)) {
      const viewClass = classes.get(schemaId);
      if (viewClass !== undefined && viewClass !== null) found.add(viewClass);
    }
    return found;
  }

  /** True the first time that it is asked for this event, so that shared membership is answered once. */
  claim(connection: Connection, viewClass: ViewClass, stamp: number): boolean {
    const membership = this.#findMembership(connection, viewClass);
    if (membership === undefined || membership.stamp === stamp) return false;
    membership.stamp = stamp;
    return true;
  }

  /**
   * Brings subscriptions to wider topics into the schema of an event, the first time that it comes by. One whose
   * decision cannot be made is reported, and takes no part in the schema until it is renewed.
   */
  meet(message: ObjectMessage, failed: (subscription: RunningSubscription, error: unknown) => void): void {
    this.#interests.meet(message, (subscription, schema) => {
      try {
        this.#join(subscription, schema);
      } catch (error) {
        failed(subscription, error);
      }
    });
  }

  subscribe(connection: Connection, request: SubscriptionRequest): RunningSubscription {
    const scanned = isScanned(request);
    if (scanned) this.#requireRoom(connection.principalId);
    const subscription: RunningSubscription = { connection, request, scanned, classes: new Map() };
    this.subscriptions += 1;
    const ofPrincipal = this.#byPrincipal.get(connection.principalId);
    if (ofPrincipal === undefined) this.#byPrincipal.set(connection.principalId, [subscription]);
    else ofPrincipal.push(subscription);
    const reader = this.#readers.get(connection);
    if (reader === undefined) {
      this.#readers.set(connection, { subscriptions: [subscription], memberships: [] });
    } else {
      reader.subscriptions.push(subscription);
    }
    if (scanned) this.#countScanned(connection.principalId, 1);
    try {
      this.#joinAll(subscription);
    } catch (error) {
      this.unsubscribe(subscription);
      throw error;
    }
    return subscription;
  }

  unsubscribe(subscription: RunningSubscription): void {
    const { connection, request, scanned } = subscription;
    if (!this.#isRunning(subscription)) return;
    this.subscriptions -= 1;
    const ofPrincipal = this.#byPrincipal.get(connection.principalId) ?? [];
    takeOut(ofPrincipal, subscription);
    if (ofPrincipal.length === 0) this.#byPrincipal.delete(connection.principalId);
    if (scanned) this.#countScanned(connection.principalId, -1);
    for (const topic of request.topics) this.#interests.remove(topic, subscription);
    this.#leaveAll(subscription);
    const reader = this.#readers.get(connection);
    if (reader !== undefined) takeOut(reader.subscriptions, subscription);
    if (reader?.subscriptions.length === 0) this.#readers.delete(connection);
  }

  /** Asks again what may be read: the subscription moves to the classes of its new rights. */
  renew(subscription: RunningSubscription): void {
    if (!this.#isRunning(subscription)) return;
    this.#leaveAll(subscription);
    this.#joinAll(subscription);
  }

  #joinAll(subscription: RunningSubscription): void {
    for (const topic of subscription.request.topics) {
      for (const schema of this.#schemasOf(topic, subscription)) this.#join(subscription, schema);
    }
    for (const schema of subscription.request.timedSchemas?.() ?? []) this.#join(subscription, schema);
  }

  /** Schemas that a topic is about, as far as they are known now. */
  #schemasOf(topic: Interest, subscription: RunningSubscription): readonly SchemaReference[] {
    if (topic.kind === 'schema') return [{ schemaId: topic.schemaId }];
    return [...this.#interests.add(topic, subscription)];
  }

  #join(subscription: RunningSubscription, schema: SchemaReference): void {
    const { connection, request, classes } = subscription;
    if (classes.has(schema.schemaId)) return;
    classes.set(schema.schemaId, null);
    const topics = topicRows(request.topics, schema);
    const decision = request.decisionFor(schema);
    if (topics === undefined || decision?.allowed !== true) return;
    const { wire, subscription: name } = connection;
    const parts = { request, decision, topics, wire, subscription: name };
    let inSchema = this.#schemas.get(schema.schemaId);
    if (inSchema === undefined) this.#schemas.set(schema.schemaId, (inSchema = new SchemaClasses()));
    const key = keyOf(parts);
    let viewClass = inSchema.find(key);
    if (viewClass === undefined) {
      // Here, so that sharing a class needs no room, and a wide topic that meets a schema later does.
      if (subscription.scanned && this.scannedClasses >= this.#options.limits.perProcess) {
        if (inSchema.size === 0) this.#schemas.delete(schema.schemaId);
        throw tooManyScanned();
      }
      const known = inSchema;
      const shared = { ...parts, decision: known.share(decision) };
      viewClass = createViewClass(key, shared, (field) => known.weigh(field));
      inSchema.add(viewClass);
      this.classes += 1;
      if (viewClass.scanned) this.scannedClasses += 1;
    }
    classes.set(schema.schemaId, viewClass);
    this.#sit(connection, viewClass);
  }

  #isRunning(subscription: RunningSubscription): boolean {
    return this.subscriptionsOf(subscription.connection).includes(subscription);
  }

  #findMembership(connection: Connection, viewClass: ViewClass): Membership | undefined {
    return this.#readers.get(connection)?.memberships.find((each) => each.viewClass === viewClass);
  }

  #sit(connection: Connection, viewClass: ViewClass): void {
    const known = this.#findMembership(connection, viewClass);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const reader = this.#readers.get(connection);
    if (reader === undefined) return;
    const set = (viewClass.sets[connection.tick] ??= new MemberSet());
    if (set.frames !== null) this.#options.assign(connection.tick);
    const membership = { viewClass, seat: set.add(connection), count: 1, stamp: 0 };
    // An array of one has one place; a first push would make room for many.
    if (reader.memberships.length === 0) reader.memberships = [membership];
    else reader.memberships.push(membership);
    viewClass.members += 1;
  }

  #leaveAll(subscription: RunningSubscription): void {
    const { connection, classes } = subscription;
    for (const viewClass of classes.values()) if (viewClass !== null) this.#leave(connection, viewClass);
    classes.clear();
  }

  #leave(connection: Connection, viewClass: ViewClass): void {
    const membership = this.#findMembership(connection, viewClass);
    if (membership === undefined) return;
    membership.count -= 1;
    if (membership.count > 0) return;
    const set = viewClass.sets[connection.tick];
    if (set !== undefined && set.frames !== null) this.#options.assign(connection.tick);
    set?.remove(membership.seat);
    takeOut(this.#readers.get(connection)?.memberships ?? [], membership);
    viewClass.members -= 1;
    if (viewClass.members === 0) this.#drop(viewClass);
  }

  #drop(viewClass: ViewClass): void {
    const inSchema = this.#schemas.get(viewClass.schemaId);
    inSchema?.remove(viewClass);
    if (inSchema?.size === 0) this.#schemas.delete(viewClass.schemaId);
    this.classes -= 1;
    if (viewClass.scanned) this.scannedClasses -= 1;
  }

  #requireRoom(principalId: string): void {
    const { perPrincipal } = this.#options.limits;
    if ((this.#scannedByPrincipal.get(principalId) ?? 0) >= perPrincipal) {
      throw new TidewireError(
        'TOO_MANY_SUBSCRIPTIONS',
        `At most ${perPrincipal} filters without an equality (eq, in) may run for one principal`,
      );
    }
  }

  #countScanned(principalId: string, change: number): void {
    const count = (this.#scannedByPrincipal.get(principalId) ?? 0) + change;
    if (count === 0) this.#scannedByPrincipal.delete(principalId);
    else this.#scannedByPrincipal.set(principalId, count);
  }
}

function tooManyScanned(): TidewireError {
  return new TidewireError(
    'TOO_MANY_SUBSCRIPTIONS',
    'This server runs as many filters without an equality (eq, in) as it may; add an equality',
  );
}
