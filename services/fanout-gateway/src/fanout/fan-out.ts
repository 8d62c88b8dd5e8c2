import { TidewireError } from '@tidewire/contract';
import type { LogPosition, ResyncReason } from '@tidewire/contract';
import type { Timer } from '@tidewire/service-kit';
import type { BudgetLimits } from '../delivery/budget.ts';
import type { Connection, ConnectionOptions } from '../delivery/connection.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { DeliveryCounters } from '../delivery/delivery.ts';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { CloudEventSettings } from '../formats/cloud-event.ts';
import { ControlFrames } from '../formats/control-frame.ts';
import { judge } from './judge.ts';
import { judgeForOwners } from './owner-lane.ts';
import type { OwnAnswer } from './owner-lane.ts';
import { encodePast } from './replayed.ts';
import { EventShapes } from './shape.ts';
import type {
  EncodedFrame,
  FanOutPort,
  FoldedObject,
  ObjectEntry,
  Subscription,
  SubscriptionRequest,
} from './subscription.ts';
import { SubscriptionRegistry } from './subscription-registry.ts';
import type { RunningSubscription, ScanLimits } from './subscription-registry.ts';
import type { ViewClass } from './view-class.ts';

export interface FanOutOptions {
  readonly scheduler: Scheduler;
  readonly events: CloudEventSettings;
  /** Where this process begins in the log. */
  readonly start: LogPosition;
  /** The oldest position that a client can still resume from; named in every `resync`. */
  readonly oldest: () => LogPosition;
  /** Whether the process is level with the log. Asked before every turn of writing. */
  readonly fresh: () => boolean;
  /** How long the second tick joins frames; the first joins what one turn brings. */
  readonly joinWindowMs: number;
  /** Connections written to in one turn. */
  readonly sliceSize: number;
  readonly heartbeatIntervalMs: number;
  /** How often subscriptions whose rules depend on the time are told to fetch again. */
  readonly timeRuleResyncMs: number;
  readonly budget: BudgetLimits;
  readonly scanLimits: ScanLimits;
  /** Told of a class that could not be judged or encoded for an event; its members are told to fetch again. */
  readonly onFailure: (error: unknown, entry: ObjectEntry) => void;
  /**
   * Told of a connection for whose subscription there is no room any more, since it met another schema or was given
   * other rights. It would hear nothing of what it asked for: it has to be ended before this returns.
   */
  readonly onNoRoom: (connection: Connection) => void;
}

/** What the fan-out did and holds, for metrics. */
export interface FanOutCounters extends DeliveryCounters {
  events: number;
  judged: number;
  encoded: number;
  failures: number;
  connections: number;
  subscriptions: number;
  classes: number;
  scannedClasses: number;
}

/**
 * The heart of the gateway: an event comes in once, is judged once per class of subscribers who see the same, encoded
 * once per shape, and leaves to every member's connection in the order of the log. Does no I/O of its own.
 */
export class FanOut implements FanOutPort {
  readonly #options: FanOutOptions;
  readonly #delivery: Delivery;
  readonly #registry: SubscriptionRegistry;
  readonly #control: ControlFrames;
  readonly #timer: Timer;
  #epoch: string;
  #evaluated: number;
  /** Counts the events of this process; classes and memberships remember the last one that they met. */
  #stamp = 0;
  #judged = 0;
  #encoded = 0;
  #failures = 0;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#epoch = options.start.epoch;
    this.#evaluated = options.start.sequence;
    this.#control = new ControlFrames({
      epoch: () => this.#epoch,
      oldest: options.oldest,
      now: () => options.scheduler.now(),
    });
    this.#delivery = new Delivery({
      scheduler: options.scheduler,
      control: this.#control,
      evaluated: () => this.#evaluated,
      fresh: options.fresh,
      joinWindowMs: options.joinWindowMs,
      sliceSize: options.sliceSize,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      budget: options.budget,
    });
    this.#registry = new SubscriptionRegistry({
      limits: options.scanLimits,
      assign: (tick) => this.#delivery.assign(tick),
    });
    this.#timer = options.scheduler.setInterval(() => this.#resyncTimeRules(), options.timeRuleResyncMs);
  }

  addConnection(options: ConnectionOptions): Connection {
    return this.#delivery.addConnection(options);
  }

  removeConnection(connection: Connection): void {
    for (const subscription of this.#registry.subscriptionsOf(connection).slice()) {
      this.#registry.unsubscribe(subscription);
    }
    this.#delivery.removeConnection(connection);
  }

  subscribe(connection: Connection, request: SubscriptionRequest): Subscription {
    return this.#registry.subscribe(connection, request);
  }

  unsubscribe(subscription: Subscription): void {
    this.#registry.unsubscribe(subscription as RunningSubscription);
  }

  renew(subscription: Subscription): void {
    try {
      this.#registry.renew(subscription as RunningSubscription);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#options.onNoRoom(subscription.connection);
      return;
    }
    this.resync(subscription.connection, 'rights-changed');
  }

  publish(entry: ObjectEntry): void {
    if (entry.epoch !== this.#epoch) this.reset({ epoch: entry.epoch, sequence: entry.sequence - 1 });
    // A reader that starts again may bring what was applied already.
    if (entry.sequence <= this.#evaluated) return;
    const { message } = entry;
    this.#stamp += 1;
    this.#meet(entry);
    if (message.unencodable === true) this.#resyncSchema(entry);
    else this.#fanOut(entry);
    this.#evaluated = entry.sequence;
    this.#delivery.endEvent();
  }

  advance(position: LogPosition): void {
    if (position.epoch !== this.#epoch) this.reset(position);
    else if (position.sequence > this.#evaluated) this.#evaluated = position.sequence;
  }

  reset(position: LogPosition): void {
    const began = position.epoch !== this.#epoch;
    this.#delivery.clear();
    this.#epoch = position.epoch;
    this.#evaluated = position.sequence;
    for (const connection of this.#delivery.connections) {
      this.resync(connection, began ? 'epoch' : 'behind');
    }
  }

  evaluatedPosition(): LogPosition {
    return { epoch: this.#epoch, sequence: this.#evaluated };
  }

  hold(connection: Connection): void {
    this.#delivery.hold(connection);
  }

  release(connection: Connection, afterSequence: number): void {
    this.#delivery.release(connection, afterSequence);
  }

  encodeFor(connection: Connection, objects: readonly FoldedObject[]): EncodedFrame[] {
    const frames = objects.flatMap((object) => {
      for (const event of object.events) this.#meet(event);
      return encodePast(object, {
        viewClasses: this.#registry.classesFor(connection, object.events[0]?.message.schema.id),
        judging: { nowMs: this.#options.scheduler.now(), ownerId: connection.principalId },
        events: this.#options.events,
        control: this.#control,
        knowsAhead: connection.knowsAhead,
      });
    });
    return frames.sort((a, b) => a.sequence - b.sequence);
  }

  resync(connection: Connection, reason: ResyncReason): void {
    this.#delivery.resync(connection, reason);
  }

  settle(connection: Connection): void {
    this.#delivery.settle(connection);
  }

  beat(connection: Connection): void {
    this.#delivery.beat(connection);
  }

  stale(on: boolean): void {
    this.#delivery.stale(on);
  }

  stop(): void {
    this.#timer.cancel();
    this.#delivery.stop();
  }

  /** How often connections were told to fetch again, by reason. */
  get resyncReasons(): ReadonlyMap<ResyncReason, number> {
    return this.#delivery.resyncReasons;
  }

  /** A snapshot; numbers only ever rise, but for what is held now. */
  counters(): FanOutCounters {
    return {
      ...this.#delivery.counters,
      events: this.#stamp,
      judged: this.#judged,
      encoded: this.#encoded,
      failures: this.#failures,
      connections: this.#delivery.connections.size,
      subscriptions: this.#registry.subscriptions,
      classes: this.#registry.classes,
      scannedClasses: this.#registry.scannedClasses,
    };
  }

  /** Wider topics may be new to the event's schema. */
  #meet(entry: ObjectEntry): void {
    this.#registry.meet(entry.message, ({ connection }, error) => {
      if (isNoRoom(error)) {
        this.#options.onNoRoom(connection);
        return;
      }
      this.#failed(error, entry);
      this.resync(connection, 'unencodable');
    });
  }

  #fanOut(entry: ObjectEntry): void {
    const { message } = entry;
    const nowMs = this.#options.scheduler.now();
    const shapes = new EventShapes(entry, this.#options.events);
    const stamp = this.#stamp;
    this.#registry.classesOf(message.schema.id)?.forEachCandidate(message, stamp, (viewClass) => {
      this.#judgeClass(viewClass, entry, shapes, nowMs);
    });
    judgeForOwners(
      entry,
      { registry: this.#registry, nowMs, stamp },
      (own) => this.#answerOwner(own, entry, shapes),
      (error) => this.#failed(error, entry),
    );
    this.#encoded += shapes.encoded;
  }

  #judgeClass(viewClass: ViewClass, entry: ObjectEntry, shapes: EventShapes, nowMs: number): void {
    this.#judged += 1;
    let bytes: Buffer | undefined;
    try {
      const judgement = judge(viewClass, entry.message, { nowMs });
      viewClass.judgement = judgement;
      if (judgement !== undefined) bytes = shapes.encode(viewClass, judgement);
    } catch (error) {
      viewClass.judgement = 'failed';
      this.#failed(error, entry);
      bytes = this.#control.resync(viewClass, 'unencodable', entry.sequence);
    }
    if (bytes !== undefined) this.#push(viewClass, entry.sequence, bytes);
  }

  #answerOwner(own: OwnAnswer, entry: ObjectEntry, shapes: EventShapes): void {
    const { connection, viewClass, judgement } = own;
    this.#judged += 1;
    let bytes: Buffer | null = null;
    try {
      if (judgement === 'failed') throw new Error('judged before');
      if (judgement !== undefined) bytes = shapes.encode(viewClass, judgement);
    } catch (error) {
      if (judgement !== 'failed') this.#failed(error, entry);
      bytes = this.#control.resync(viewClass, 'unencodable', entry.sequence);
    }
    this.#delivery.override(connection, { sequence: entry.sequence, source: viewClass, bytes });
  }

  #push(viewClass: ViewClass, sequence: number, bytes: Buffer): void {
    const frame = { sequence, source: viewClass, bytes };
    const [now, joined] = viewClass.sets;
    if (now !== undefined && now.members.length > 0) this.#delivery.push(now, 0, frame);
    if (joined !== undefined && joined.members.length > 0) this.#delivery.push(joined, 1, frame);
  }

  /** An event whose images are not in the log: who could see them is not known, so all of the schema fetch again. */
  #resyncSchema(entry: ObjectEntry): void {
    const { message, sequence } = entry;
    for (const viewClass of this.#registry.classesOf(message.schema.id)?.all() ?? []) {
      this.#push(viewClass, sequence, this.#control.resync(viewClass, 'unencodable', sequence));
    }
  }

  /** Time shows and hides rows without an event. */
  #resyncTimeRules(): void {
    const concerned = new Set<Connection>();
    for (const viewClass of this.#registry.everyClass()) {
      if (!viewClass.decision.usesNow) continue;
      for (const set of viewClass.sets)
        for (const connection of set?.members ?? []) concerned.add(connection);
    }
    for (const connection of concerned) this.resync(connection, 'time');
  }

  #failed(error: unknown, entry: ObjectEntry): void {
    this.#failures += 1;
    this.#options.onFailure(error, entry);
  }
}

function isNoRoom(error: unknown): boolean {
  return error instanceof TidewireError && error.code === 'TOO_MANY_SUBSCRIPTIONS';
}
