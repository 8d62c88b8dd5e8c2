import { randomUUID } from 'node:crypto';
import { PRESENCE_BUCKET, SERVICE_PERMISSIONS, streamMessageSchema } from '@tidewire/contract';
import type { StreamMessage } from '@tidewire/contract';
import { connectBus, openPresenceStore, silentLogger } from '@tidewire/messaging';
import type { MessageBus, PresenceStore } from '@tidewire/messaging';
import { RightsView } from '@tidewire/policy';
import type { Reader } from '@tidewire/rights';
import { createLogger, createManualClock } from '@tidewire/service-kit';
import { organisation, person, policyOf, register, schemaOf, startNats, waitFor } from '@tidewire/test-kit';
import type { Person, TestNats } from '@tidewire/test-kit';
import { Presence } from '../src/presence/presence.ts';
import type { PresenceOptions } from '../src/presence/presence.ts';
import type { Peer } from '../src/transports/peer.ts';

const USER = 'fanout-gateway';

/** A connection that follows what it is told, and takes note of what contradicts it. */
export class PresencePeer implements Peer {
  readonly id = randomUUID();
  readonly messages: StreamMessage[] = [];
  /** What makes no sense after what was told before. */
  readonly faults: string[] = [];
  readonly #pages = new Map<string, Set<string>>();
  readonly #gateway: PresenceGateway;
  readonly #own: string;
  reader: Reader;
  open = true;

  constructor(gateway: PresenceGateway, { principal, credential }: Person) {
    this.#gateway = gateway;
    this.#own = principal.id;
    this.reader = { principalId: principal.id, credentialId: credential.id };
  }

  tell(message: StreamMessage): void {
    this.messages.push(streamMessageSchema.parse(message));
    if (message.type === 'presence-sync') {
      const ids = message.users.map(({ id }) => id);
      if (new Set(ids).size !== ids.length) this.faults.push(`twice in ${ids.join()}`);
      this.#pages.set(message.pagePath, new Set(ids));
    }
    if (message.type === 'join') this.#note('join', message.user.id, message.user.pagePath);
    if (message.type === 'leave') this.#note('leave', message.userId, message.pagePath);
  }

  /** Everybody of whom the connection knows that they are there. */
  users(path: string): string[] {
    return [...(this.#pages.get(path) ?? [])].toSorted();
  }

  types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  async join(path: string): Promise<void> {
    await this.#gateway.presence.join(this, path);
  }

  leave(path: string): void {
    this.#gateway.presence.leave(this, path);
  }

  close(): void {
    this.open = false;
    this.#gateway.presence.left(this);
  }

  #note(type: 'join' | 'leave', user: string, path: string): void {
    const users = this.#pages.get(path);
    const fits = user !== this.#own && users?.has(user) === (type === 'leave');
    if (!fits) this.faults.push(`${type} of ${user}, who is ${type === 'join' ? '' : 'not '}there`);
    if (type === 'join') users?.add(user);
    else users?.delete(user);
  }
}

export class PresenceGateway {
  readonly name: string;
  readonly bus: MessageBus;
  readonly clock = createManualClock();
  readonly presence: Presence;
  readonly view = new RightsView();
  readonly #peers: PresencePeer[] = [];
  delivering = true;

  constructor(name: string, bus: MessageBus, options: Pick<PresenceOptions, 'leases' | 'maxStays'>) {
    this.name = name;
    this.bus = bus;
    this.presence = new Presence({
      bus,
      clock: this.clock,
      logger: createLogger({ service: USER, level: 'silent', destination: { write: () => undefined } }),
      instance: name,
      view: () => this.view,
      delivering: () => this.delivering,
      ...options,
    });
  }

  peer(person_: Person): PresencePeer {
    const peer = new PresencePeer(this, person_);
    this.#peers.push(peer);
    return peer;
  }

  /** Lets so much time pass that the gateway looks around once; something came from all its connections before. */
  sweep(): void {
    for (const peer of this.#peers) this.presence.touch(peer);
    this.clock.advance(5000);
  }
}

/** Gateways on a NATS server of their own, two organisations, and a table that only members of a group know. */
export class PresenceGateways implements AsyncDisposable {
  readonly nats: TestNats;
  readonly home = organisation('home');
  readonly elsewhere = organisation('elsewhere');
  readonly shop = register('shop');
  readonly orders = schemaOf(this.shop, 'orders');
  readonly salaries = schemaOf(this.shop, 'salaries');
  readonly salariesPolicy = policyOf('schema', this.salaries.id, { read: ['staff'], create: ['staff'] });
  readonly ada = person('ada', this.home, ['staff']);
  readonly bob = person('bob', this.home, ['staff']);
  readonly eve = person('eve', this.elsewhere, ['staff']);
  readonly #people: Person[] = [this.ada, this.bob, this.eve];
  readonly #gateways: PresenceGateway[] = [];
  /** Names of the gateways that give a sign of life. */
  readonly alive = new Set<string>();

  private constructor(nats: TestNats) {
    this.nats = nats;
  }

  static async start(): Promise<PresenceGateways> {
    const { publish, subscribe } = SERVICE_PERMISSIONS[USER];
    const users = { [USER]: { publish: [...publish], subscribe: [...subscribe] } };
    return new PresenceGateways(await startNats({ users }));
  }

  /** So many people of the first organisation; gateways that start afterwards know them. */
  crowd(count: number): Person[] {
    const people = Array.from({ length: count }, (_each, index) => person(`user-${index}`, this.home, []));
    this.#people.push(...people);
    return people;
  }

  async gateway(
    name: string,
    options: Partial<Pick<PresenceOptions, 'leases' | 'maxStays'>> = {},
  ): Promise<PresenceGateway> {
    const listAlive = async (): Promise<ReadonlySet<string>> => await Promise.resolve(new Set(this.alive));
    const gateway = new PresenceGateway(name, await this.connect(), {
      leases: () => ({ listAlive }),
      ...options,
    });
    this.alive.add(name);
    this.#gateways.push(gateway);
    const policies = [policyOf('register', this.shop.id, {}), policyOf('schema', this.orders.id, {})];
    gateway.view.loadState(
      [this.home, this.elsewhere, this.shop, this.orders, this.salaries, this.salariesPolicy, ...policies],
      1,
    );
    for (const { principal, credential } of this.#people) {
      gateway.view.hold({ principal, credential, position: { sequence: 1 } }, 0);
    }
    return gateway;
  }

  async connect(): Promise<MessageBus> {
    return await connectBus({ url: this.nats.url, user: USER, logger: silentLogger });
  }

  /** Gateways that cannot be asked any more and give no sign of life. */
  async crash(gateway: PresenceGateway): Promise<void> {
    await gateway.bus.close();
    this.alive.delete(gateway.name);
    this.#gateways.splice(this.#gateways.indexOf(gateway), 1);
  }

  /** Sweeps until the condition holds. */
  async sweepUntil(condition: () => boolean, what: string): Promise<void> {
    await waitFor(
      () => {
        for (const gateway of this.#gateways) gateway.sweep();
        return condition();
      },
      { what },
    );
  }

  /** Resolves when the second gateway has heard all that the first one said before. */
  async heard(speaker: PresenceGateway, listener: PresenceGateway): Promise<void> {
    for (const { bus } of [speaker, listener]) {
      await openPresenceStore(bus, { bucket: PRESENCE_BUCKET, ttlMs: 60_000 }).list('nobody');
    }
  }

  async store(): Promise<PresenceStore> {
    return openPresenceStore(await this.connect(), { bucket: PRESENCE_BUCKET, ttlMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { presence, bus } of this.#gateways) {
      await presence.stop();
      await bus.close();
    }
    await this.nats[Symbol.asyncDispose]();
  }
}
