import {
  FEED_GROUP_LIMITS,
  TidewireError,
  feedGroupReplySchema,
  feedGroupRequestSchema,
  formatEventId,
  formatFeedGroupSubject,
  formatSubscriber,
  parseEventId,
  parseSubscriber,
} from '@tidewire/contract';
import type { FeedGroupRequest, FeedRequest, SubscriberAddress } from '@tidewire/contract';
import { BusUnavailableError } from '@tidewire/messaging';
import type { NOBODY } from '@tidewire/messaging';
import type { FeedGroupName, MessageBus } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { Wanted } from '../transports/stream-opener.ts';
import { readWanted } from './feed-request.ts';
import { GroupLeader } from './group-leader.ts';
import type { GroupLeaderOptions } from './group-leader.ts';

export interface FeedGroupsOptions extends GroupLeaderOptions {
  /** The platform's: gateways pass workers on to each other there. */
  readonly bus: MessageBus;
  readonly maxTopics: number;
  /** The gateways that are there; undefined where that is not known. */
  readonly listAlive: () => Promise<ReadonlySet<string>> | undefined;
}

/** A worker that asks, read. */
interface Asking {
  readonly address: SubscriberAddress;
  readonly inbox: string;
  readonly request: FeedRequest;
  readonly wanted: Wanted;
  readonly name: FeedGroupName;
}

/** Another gateway may take a group over between a look and a claim. */
const ATTEMPTS = 4;
const PATIENCE_MS = 2000;

/**
 * The groups of workers of all gateways. One gateway leads a group while it is alive; requests may reach any of them, and
 * are passed on to the leader, which publishes to the workers itself.
 */
export class FeedGroups {
  readonly #options: FeedGroupsOptions;
  readonly #own = new Map<string, GroupLeader>();
  readonly #byToken = new Map<string, GroupLeader>();
  readonly #claims = new Map<string, Promise<GroupLeader | undefined>>();
  /** Groups that were led here and whose places are being written. */
  readonly #leaving = new Set<Promise<void>>();
  #numbers = 0;
  #stops: (() => unknown)[] = [];

  constructor(options: FeedGroupsOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, store, instance } = this.#options;
    void this.#quietly(() => store.ensure());
    this.#stops = [
      bus.onStatus((status) => {
        if (status === 'reconnected') void this.#quietly(() => store.ensure());
      }),
      bus.respond(formatFeedGroupSubject(instance), {
        requestSchema: feedGroupRequestSchema,
        handle: async (passed) => {
          this.#joinOwn(this.#read(passed));
          return { ok: true };
        },
      }),
    ];
  }

  /** Hands its groups over; whoever leads them next tells nothing again that was done. */
  async stop(): Promise<void> {
    for (const leader of this.#own.values()) leader.stop();
    await Promise.all(this.#leaving);
    for (const stop of this.#stops.splice(0)) await stop();
  }

  /** The connection to the subscribers is lost. */
  abandon(): void {
    for (const leader of this.#own.values()) leader.abandon();
  }

  /**
   * Makes the asking one a worker of its group, wherever that is led.
   *
   * @throws TidewireError CONFLICT when the group follows something else, TOO_MANY_SUBSCRIPTIONS, TOO_MANY_CONNECTIONS,
   * SERVICE_UNAVAILABLE.
   */
  async join(address: SubscriberAddress, inbox: string, request: FeedRequest, wanted: Wanted): Promise<void> {
    const asking = { address, inbox, request, wanted, name: { address, group: request.group ?? '' } };
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await this.#tryToJoin(asking)) return;
    }
    throw new TidewireError('SERVICE_UNAVAILABLE', 'The group is being taken over', { retryAfterSeconds: 1 });
  }

  /** A worker's answer; `token` names group and message. */
  answered(address: SubscriberAddress, token: string, text: string | typeof NOBODY): void {
    const [group = '', number = ''] = token.split('-');
    const leader = this.#byToken.get(group);
    if (leader === undefined || this.#own.get(keyOf(address, leader.group)) !== leader) return;
    leader.answered(Number(number), text);
  }

  async #tryToJoin(asking: Asking): Promise<boolean> {
    const key = keyOf(asking.address, asking.name.group);
    if (this.#own.has(key)) {
      this.#joinOwn(asking);
      return true;
    }
    const { store, instance } = this.#options;
    const stored = await this.#stored(() => store.read(asking.name));
    const leader = stored?.state.gateway ?? null;
    if (stored !== undefined) requireSame(stored.state.follows, asking.request);
    if (leader !== null && leader !== instance && (await this.#isAlive(leader))) {
      const passed = await this.#pass(leader, asking);
      if (passed !== 'nobody') return passed === 'joined';
    }
    let claim = this.#claims.get(key);
    if (claim === undefined) {
      claim = this.#claim(key, asking, stored).finally(() => this.#claims.delete(key));
      this.#claims.set(key, claim);
    }
    if ((await claim) === undefined) return false;
    this.#joinOwn(asking);
    return true;
  }

  /** Becomes the leader; undefined when another gateway was faster. */
  async #claim(
    key: string,
    { name, request, wanted, address }: Asking,
    stored: Awaited<ReturnType<GroupLeaderOptions['store']['read']>>,
  ): Promise<GroupLeader | undefined> {
    const { store, instance } = this.#options;
    if (
      stored === undefined &&
      (await this.#stored(() => store.count(address))) >= FEED_GROUP_LIMITS.groups
    ) {
      const message = `A subscriber has at most ${FEED_GROUP_LIMITS.groups} groups`;
      throw new TidewireError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    const before = stored?.state ?? {
      follows: followsOf(request),
      cursor: this.#birthplace(request),
      done: [],
    };
    const state = { ...before, gateway: instance };
    const revision = await this.#stored(() => store.write(name, { state, revision: stored?.revision ?? 0 }));
    if (revision === undefined) return undefined;
    const token = `g${(this.#numbers += 1)}`;
    const leader = new GroupLeader(this.#options, {
      name,
      token,
      wanted,
      cursor: request.cursor,
      stored: { state, revision },
      onOver: (left) => {
        this.#leaving.add(left);
        void left.finally(() => this.#leaving.delete(left));
        if (this.#own.get(key) === leader) this.#own.delete(key);
        this.#byToken.delete(token);
      },
    });
    this.#own.set(key, leader);
    this.#byToken.set(token, leader);
    return leader;
  }

  /** Stored before anybody is told anything: a group whose gateway dies at once goes on from there. */
  #birthplace({ cursor }: FeedRequest): string | null {
    if (cursor === undefined) return formatEventId(this.#options.fanOut.evaluatedPosition());
    // What is no cursor leads to fetching everything, each time.
    return parseEventId(cursor) === undefined ? null : cursor;
  }

  /** @throws TidewireError NOT_FOUND where this gateway does not lead the group. */
  #joinOwn({ address, inbox, request }: Asking): void {
    const leader = this.#own.get(keyOf(address, request.group ?? ''));
    if (leader === undefined) throw new TidewireError('NOT_FOUND', 'This server does not lead the group');
    requireSame(leader.follows, request);
    leader.join(inbox, request);
  }

  /** Another gateway passes a worker on, whose address and inbox it has looked at. */
  #read({ subscriber, inbox, request }: FeedGroupRequest): Asking {
    const address = parseSubscriber(subscriber);
    if (address === undefined) throw new TidewireError('BAD_REQUEST', 'That is no subscriber');
    const wanted = readWanted(request, this.#options.maxTopics);
    return { address, inbox, request, wanted, name: { address, group: request.group ?? '' } };
  }

  /** `moved`: that gateway does not lead the group any more. `nobody`: it is not there, whatever is known of it. */
  async #pass(gateway: string, { address, inbox, request }: Asking): Promise<'joined' | 'moved' | 'nobody'> {
    const passed: FeedGroupRequest = { subscriber: formatSubscriber(address), inbox, request };
    const { bus } = this.#options;
    const subject = formatFeedGroupSubject(gateway);
    try {
      const reply = await bus.request(subject, passed, feedGroupReplySchema, { timeoutMs: PATIENCE_MS });
      if (reply.ok) return 'joined';
      if (reply.code === 'NOT_FOUND') return 'moved';
      throw new TidewireError(reply.code, reply.message, {
        errors: reply.errors ?? [],
        retryAfterSeconds: 1,
      });
    } catch (error) {
      if (error instanceof BusUnavailableError && error.nobody) return 'nobody';
      throw error;
    }
  }

  async #isAlive(gateway: string): Promise<boolean> {
    const alive = await this.#options.listAlive();
    return alive === undefined || alive.has(gateway);
  }

  /** Perhaps NATS has lost the bucket, or it was never made. */
  async #stored<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (toTidewireError(error).code === 'SERVICE_UNAVAILABLE') throw error;
      await this.#options.store.ensure();
      return await work();
    }
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.warn('groups of workers cannot be stored', { error });
    }
  }
}

function keyOf(address: SubscriberAddress, group: string): string {
  return `${formatSubscriber(address)}.${group}`;
}

/** What a group follows, in one spelling: the order of names and members says nothing, that of a filter's terms may. */
function followsOf({ topics, tables, filter, fields, events, sort }: FeedRequest): string {
  const sorted = (names: readonly string[] | undefined): readonly string[] | undefined =>
    names && [...new Set(names)].toSorted();
  const follows = {
    topics: sorted(topics),
    tables,
    filter,
    fields: sorted(fields),
    events: sorted(events),
    sort,
  };
  return JSON.stringify(follows, withSortedMembers);
}

/** For JSON.stringify. */
function withSortedMembers(_name: string, value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value).toSorted(byName)) : value;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function requireSame(follows: string, request: FeedRequest): void {
  if (follows === followsOf(request)) return;
  throw new TidewireError(
    'CONFLICT',
    'The group follows something else: its workers ask for the same topics or table, filter, fields, events and order. ' +
      'Give another group another name.',
  );
}
