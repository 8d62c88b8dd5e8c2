import { Crossings } from './crossings.ts';
import { createPoller, createSubscriber } from './clients.ts';
import { Finding } from './finding.ts';
import { Stopwatch } from './oracle-stats.ts';
import type { OracleStats } from './oracle-stats.ts';
import { Groups } from './groups.ts';
import { Lanes } from './lanes.ts';
import type { Poller } from './poller.ts';
import { Quiet } from './quiet.ts';
import { Random } from './random.ts';
import { changeRights } from './rights-changes.ts';
import type { Subscriber } from './subscriber.ts';
import type { Gateway } from './gateway.ts';
import { GraphqlConnections } from './transports/graphql-connections.ts';
import { NatsConnections } from './transports/nats-connections.ts';
import { Sockets } from './transports/sockets.ts';
import { writeByGraphql } from './graphql-writes.ts';
import { favouring, transportsOn } from './transports/transports.ts';
import { turnTime } from './turn.ts';
import { World } from './world.ts';
import { writeByTable } from './table-writes.ts';
import { writeByApi, writeBySql } from './writes.ts';
import type { Platform } from '@tidewire/test-kit';

export interface OracleOptions {
  readonly platform: Platform;
  /** Where subscribers connect to; those of the platform, or others beside them. */
  readonly gateways: readonly { readonly name: string; readonly url: string }[];
  /** Where lists are asked for, and GraphQL is spoken; absent: at the platform's origin. */
  readonly records?: string | undefined;
  readonly seed: number;
  readonly steps: number;
  readonly subscribers: number;
  /** Whether processes are killed and restarted on the way. */
  readonly restarts: boolean;
  /** How often time shows and hides rows, at quiet points; absent: now and then. */
  readonly turnChance?: number | undefined;
  /** Name of a transport that most follow by, or `groups`, that there are many of then; absent: none. */
  readonly favoured?: string | undefined;
  readonly onProgress?: (line: string) => void;
}

const TRAIL = 30;
const POLLERS = 6;
/** Of quiet points. */
const TURN_CHANCE = 0.12;
/** Writes. */
const MOST_AT_ONCE = 3;
/** Steps between two restarts, one process after another: each takes seconds. */
const STEPS_PER_RESTART = 400;

/**
 * Runs random steps and compares what everybody was told and has with what they may know. Returns when all steps were
 * fine.
 *
 * @throws Finding with seed, step and the steps before it.
 */
export class Oracle {
  readonly #options: OracleOptions;
  readonly #world: World;
  readonly #gateways: readonly Gateway[];
  readonly #quiet: Quiet;
  readonly #graphql: GraphqlConnections;
  readonly #trail: string[] = [];
  #subscribers: Subscriber[] = [];
  /** Closed on purpose; they come back with their old cursor. */
  readonly #away = new Set<Subscriber>();
  #gone: Subscriber[] = [];
  readonly #pollers: Poller[] = [];
  #finding: Finding | undefined;
  #background: Promise<void> | undefined;
  #born = 0;
  readonly #crossings: Crossings;
  readonly #groups: Groups;
  #rightsSteps = 0;
  /** How long the last quiet point took. */
  #quietMs = 1000;
  /** What is written into different schemas is written at the same time. */
  readonly #lanes = new Lanes(MOST_AT_ONCE);
  readonly #watch = new Stopwatch();
  readonly #stats: Pick<
    OracleStats,
    'steps' | 'writes' | 'crossings' | 'rightsChanges' | 'reconnects' | 'restarts' | 'turns'
  > = {
    steps: 0,
    writes: 0,
    crossings: 0,
    rightsChanges: 0,
    reconnects: 0,
    restarts: {},
    turns: 0,
  };

  readonly #found = (finding: Finding): void => {
    this.#finding ??= finding;
  };

  private constructor(options: OracleOptions, world: World, gateways: readonly Gateway[]) {
    this.#options = options;
    this.#world = world;
    this.#gateways = gateways;
    this.#quiet = new Quiet(world);
    this.#graphql = new GraphqlConnections(gateways, this.#found);
    this.#crossings = new Crossings(world);
    this.#groups = new Groups(world, options.favoured === 'groups' ? 'many' : 'few', this.#found);
    world.crosses = (schema, before, after) =>
      this.#crossings.isOne(this.#subscribers, schema, before, after);
  }

  static async run(options: OracleOptions): Promise<OracleStats> {
    const gateways = options.gateways.map(({ name, url }) => ({ name, url, reached: 0 }));
    const random = Random.of(options.seed, -1);
    let found: (finding: Finding) => void = () => undefined;
    const sockets = new Sockets((finding) => found(finding));
    const { platform, records = platform.origin } = options;
    const nats = new NatsConnections(platform.natsServer, (finding) => found(finding));
    const world = await World.create({ platform, records, gateways, random, sockets, nats });
    const oracle = new Oracle(options, world, gateways);
    found = oracle.#found;
    try {
      await oracle.#run(random);
      return oracle.stats;
    } catch (error) {
      throw error instanceof Finding ? oracle.#explain(error) : error;
    } finally {
      await oracle.#lanes.idle().catch(() => undefined);
      await oracle.#background?.catch(() => undefined);
      for (const subscriber of oracle.#subscribers) subscriber.stop();
      await world.close();
    }
  }

  get stats(): OracleStats {
    const resyncs: Record<string, number> = {};
    for (const { resyncs: own } of this.#subscribers) {
      for (const reason of own) resyncs[reason] = (resyncs[reason] ?? 0) + 1;
    }
    const { messages, handed, lists, quietPoints, transports, forbidden } = this.#quiet;
    const { renewals, visits, edits } = this.#world;
    const refusals = this.#subscribers.filter(({ refusal }) => refusal !== undefined).length;
    return {
      ...this.#stats,
      messages,
      handed,
      repeats: this.#groups.repeats,
      lists,
      quietPoints,
      resyncs,
      refusals,
      transports: Object.fromEntries(transports),
      forbidden,
      renewals,
      named: visits.named,
      conflicts: edits.conflicts,
      spentMs: this.#watch.spentMs,
    };
  }

  async #run(random: Random): Promise<void> {
    const { steps, subscribers, seed } = this.#options;
    for (let i = 0; i < 40; i += 1) await writeBySql(this.#world, random, this.#world.aSchema(random));
    for (let i = 0; i < subscribers; i += 1) this.#admit(random);
    for (let index = 0; index < POLLERS; index += 1) this.#pollers.push(this.#createPoller(random, index));
    this.#groups.fill(random);
    await this.#rest();
    let untilRest = 10;
    for (let step = 0; step < steps; step += 1) {
      await this.#step(Random.of(seed, step));
      this.#stats.steps += 1;
      if (this.#finding !== undefined) throw this.#finding;
      untilRest -= 1;
      if (untilRest > 0) continue;
      await this.#rest();
      untilRest = 36 + Random.of(seed, -2 - step).below(30);
      this.#report();
    }
    await this.#comeBack();
    await this.#rest();
  }

  async #step(random: Random): Promise<void> {
    const { restarts, steps } = this.#options;
    const isTime =
      restarts && (this.#stats.steps + 1) % Math.min(STEPS_PER_RESTART, Math.ceil(steps / 3)) === 0;
    const { rightsChanges, steps: done } = this.#stats;
    // Chance alone would now and then leave too little of what matters.
    const isLacking = (count: number, share: number): boolean => count < share * done;
    this.#world.urgent = isLacking(this.#stats.crossings, 0.3);
    const alone =
      (act: () => Promise<string>): (() => Promise<string>) =>
      async () => {
        await this.#lanes.idle();
        return await act();
      };
    const step = random.weighted<() => Promise<string>>([
      [34, () => this.#write(random, writeByApi, 'api')],
      [18, () => this.#write(random, writeByTable, 'table')],
      [12, () => this.#write(random, writeByGraphql, 'graphql')],
      [20, () => this.#write(random, writeBySql, 'sql')],
      [isTime ? 1_000_000 : 0, () => this.#restart(random)],
      [isLacking(rightsChanges, 0.12) ? 1000 : 15, alone(() => this.#changeRights(random))],
      [4, () => this.#world.visits.step(random)],
      [5, () => this.#world.edits.step(random)],
      [5, () => this.#reconnect(random)],
      [3, () => this.#leave(random)],
      [2, () => this.#replace(random)],
      [1, () => this.#pry(random)],
      [2, () => this.#comeBack()],
    ]);
    const begun = performance.now();
    const what = await step();
    this.#watch.add(what.startsWith('writes') ? 'writes' : 'other steps', begun);
    this.#trail.push(`${this.#stats.steps} ${what}`);
    if (this.#trail.length > TRAIL) this.#trail.shift();
  }

  async #write(random: Random, write: typeof writeByApi, how: string): Promise<string> {
    const schema = this.#world.aSchema(random);
    await this.#lanes.begin(schema.id, () => write(this.#world, random, schema));
    this.#stats.writes += 1;
    return `writes by ${how} into ${schema.slug}`;
  }

  async #changeRights(random: Random): Promise<string> {
    const { model } = this.#world;
    const before = model.rights;
    const what = await changeRights(this.#world, random);
    if (model.rights === before) return `${what}, as before`;
    this.#stats.rightsChanges += 1;
    this.#rightsSteps += 1;
    return what;
  }

  /** A connection breaks; its client comes back at once, elsewhere. */
  async #reconnect(random: Random): Promise<string> {
    const present = this.#subscribers.filter((one) => !this.#away.has(one));
    const chosen = random.some(present, 0.1);
    for (const subscriber of chosen) {
      subscriber.moveOn();
      subscriber.connect();
    }
    // Others come back when they have noticed.
    const { sockets, nats } = this.#world;
    const cut = sockets.cut(random, 0.1) + this.#graphql.cut(random, 0.1) + nats.cut(random, 0.1);
    this.#stats.reconnects += chosen.length + cut;
    return `${chosen.length} reconnect, ${cut} shared connections break`;
  }

  async #pry(random: Random): Promise<string> {
    const { register, slug } = this.#world.aSchema(random);
    const count = this.#world.nats.pry(random, [`register/${register}/schema/${slug}`]);
    return `somebody asks for messages to ${count} others`;
  }

  async #leave(random: Random): Promise<string> {
    const subscriber = random.pick(this.#subscribers);
    if (subscriber.stale || subscriber.place === 0) return 'nobody leaves';
    subscriber.drop();
    this.#away.add(subscriber);
    return `${subscriber.options.name} leaves`;
  }

  async #comeBack(): Promise<string> {
    for (const subscriber of this.#away) {
      subscriber.moveOn();
      subscriber.connect();
    }
    const count = this.#away.size;
    this.#stats.reconnects += count;
    this.#away.clear();
    return `${count} come back`;
  }

  async #replace(random: Random): Promise<string> {
    const index = random.below(this.#subscribers.length);
    const [old] = this.#subscribers.splice(index, 1);
    if (old === undefined) return 'nobody goes';
    old.stop();
    this.#away.delete(old);
    this.#gone.push(old);
    this.#admit(random);
    return `${old.options.name} goes, another one comes`;
  }

  async #restart(random: Random): Promise<string> {
    if (this.#background !== undefined) return 'no second restart';
    const gateways = this.#world.platform.gateways.map((_, index) => `fanout-gateway-${index + 1}` as const);
    const names = ['authz', 'relay', ...gateways, 'records'] as const;
    const { restarts } = this.#stats;
    const count = Object.values(restarts).reduce((sum, each) => sum + each, 0);
    const name = names[(this.#options.seed + count) % names.length] ?? 'relay';
    const signal = random.pick(['SIGKILL', 'SIGTERM'] as const);
    restarts[name] = (restarts[name] ?? 0) + 1;
    this.#background = this.#world.platform.restart(name, signal);
    this.#world.troubled = true;
    // Awaited at the next quiet point; until then its failure is nobody's.
    this.#background.catch(() => undefined);
    return `${name} gets ${signal}`;
  }

  #admit(random: Random): void {
    const { sockets, nats } = this.#world;
    this.#born += 1;
    const subscriber = createSubscriber(this.#world, random, {
      name: `subscriber-${this.#born}`,
      transports: favouring(this.#options.favoured, transportsOn(sockets, this.#graphql, nats)),
      gateways: this.#gateways,
      onFinding: this.#found,
      others: this.#subscribers,
    });
    this.#subscribers.push(subscriber);
    subscriber.connect();
  }

  #createPoller(random: Random, index: number): Poller {
    this.#born += 1;
    return createPoller(this.#world, random, { name: `poller-${this.#born}`, index });
  }

  async #rest(): Promise<void> {
    await this.#watch.timed('writes', this.#lanes.idle());
    await this.#watch.timed('restarts', this.#background ?? Promise.resolve());
    this.#background = undefined;
    this.#world.troubled = false;
    const filters = this.#subscribers.flatMap(({ options: { interest } }) => [
      ...interest.filter,
      ...(interest.alternatives ?? []).flat(),
    ]);
    this.#world.interesting = new Set(filters.map(({ field }) => field));
    const present = this.#subscribers.filter((one) => !this.#away.has(one));
    const asked = Date.now();
    const position = await this.#watch.timed(
      'waits',
      this.#quiet.reach(present, () => this.#finding),
    );
    this.#graphql.quiet();
    const begun = performance.now();
    this.#stats.crossings += this.#crossings.countUpTo(position, this.#subscribers, this.#rightsSteps);
    this.#rightsSteps = 0;
    this.#watch.add('crossings', begun);
    // Who went away, or for good, has been told something too.
    await this.#watch.timed(
      'comparison',
      this.#quiet.compare(present, [...this.#away, ...this.#gone], position),
    );
    this.#quietMs = Date.now() - asked;
    this.#gone = [];
    // Some skip a round now and then.
    const random = Random.of(this.#options.seed, 2_000_000 + this.#stats.steps);
    const pollers = random.some(this.#pollers, 0.6).filter((poller) => !poller.isOver());
    await this.#watch.timed('polls', this.#quiet.poll(pollers, position));
    await this.#watch.timed('lists', this.#quiet.probe(random, position));
    if (random.chance(this.#options.turnChance ?? TURN_CHANCE)) {
      const turn = { quiet: this.#quiet, quietMs: this.#quietMs, present, broken: () => this.#finding };
      await this.#watch.timed('turns of time', turnTime(this.#world, random, turn));
      this.#stats.turns += 1;
    }
    this.#quiet.forget([...this.#away, ...this.#pollers]);
    if (this.#finding !== undefined) throw this.#finding;
    this.#makeRoom();
  }

  /** Who was refused, or is no more, makes room for somebody who is let in. */
  #makeRoom(): void {
    const { seed } = this.#options;
    for (const subscriber of this.#subscribers.slice()) {
      if (subscriber.refusal === undefined && !subscriber.isOver) continue;
      this.#subscribers = this.#subscribers.filter((one) => one !== subscriber);
      this.#away.delete(subscriber);
      subscriber.stop();
      this.#admit(Random.of(seed, 1_000_000 + this.#born));
    }
    this.#groups.makeRoom(Random.of(seed, 4_000_000 + this.#stats.steps));
    for (const [index, { isOver }] of this.#pollers.entries()) {
      if (isOver()) this.#pollers[index] = this.#createPoller(Random.of(seed, 3_000_000 + this.#born), index);
    }
  }

  #report(): void {
    const { steps, writes, crossings } = this.#stats;
    const { messages } = this.#quiet;
    this.#options.onProgress?.(
      `${steps} steps, ${writes} writes, ${crossings} crossings, ${messages} messages`,
    );
  }

  #explain(finding: Finding): Finding {
    return new Finding(finding.kind, finding.message, {
      seed: this.#options.seed,
      step: this.#stats.steps,
      trail: this.#trail,
      again: `TIDEWIRE_ORACLE_SEED=${this.#options.seed}`,
    });
  }
}
