import { randomUUID } from 'node:crypto';
import { waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { MessageCheck } from './transport-messages.ts';
import type { Follower, Guest, Host, Order, Place, Talker, Told, Transport } from './transport.ts';

/** What a claim asks for; the rest is Bob, at the first gateway, following the cases. */
export interface Wish extends Partial<Omit<Order, 'base' | 'origin' | 'nats' | 'check'>> {
  readonly as?: 'alice' | 'bob';
  readonly gateway?: 0 | 1;
}

export interface Credential {
  readonly id: string;
  readonly token: string;
}

type Properties = Readonly<Record<string, unknown>>;

/** A town of its own for one transport, and the claims' hands in it. */
export class Stage {
  readonly transport: Transport;
  readonly town: Town;
  readonly place: Place;
  /** A place that nothing is called by. */
  readonly nowhere: Place;
  readonly check = new MessageCheck();
  readonly #platform: Platform;
  readonly #register: string;

  private constructor(platform: Platform, transport: Transport, town: Town, table: string) {
    this.#platform = platform;
    this.transport = transport;
    this.town = town;
    const [register = '', slug = ''] = town.collection.split('/');
    this.#register = register;
    const properties = ['titel', 'status', 'prioriteit', 'melderEmail'];
    this.place = {
      table,
      topic: `register/${register}`,
      graphql: { events: eventsOf(slug), properties },
    };
    this.nowhere = {
      table: 'nowhere',
      topic: 'register/nowhere',
      graphql: { events: 'nowhereEvents', properties },
    };
  }

  static async build(platform: Platform, transport: Transport): Promise<Stage> {
    const town = await buildTown(platform.origin, platform.adminToken, 'unique');
    const { table } = await town.admin.send<{ table: string }>('GET', `/api/schemas/${town.schemaId}`);
    return new Stage(platform, transport, town, table);
  }

  order({ as = 'bob', gateway = 0, ...wish }: Wish = {}): Order {
    return {
      base: this.#platform.gateways[gateway]?.url ?? '',
      origin: this.#platform.origin,
      nats: this.#platform.natsServer,
      token: this.town.tokens[as],
      place: this.place,
      check: this.check,
      ...wish,
    };
  }

  /** Opens a follower, as often as it is told to come again. It may have been refused for good. */
  async ask(wish: Wish = {}, transport: Transport = this.transport): Promise<Follower> {
    return await insist(() => transport.open(this.order(wish)));
  }

  /** Opens a follower that is let in. */
  async follow(wish: Wish = {}, transport: Transport = this.transport): Promise<Follower> {
    const follower = await this.ask(wish, transport);
    const { refusal } = follower.account;
    if (refusal !== undefined) throw new Error(`refused: ${refusal.code} ${refusal.message}`);
    return follower;
  }

  /** Opens a follower that can be talked to. */
  async talk(wish: Wish = {}): Promise<Talker> {
    const { talk } = this.transport;
    if (talk === undefined) throw new Error(`${this.transport.name} cannot send frames`);
    return await insist(() => talk(this.order(wish)));
  }

  /** Opens a connection that takes more subscriptions. */
  async host(wish: Wish = {}): Promise<Host> {
    const { host } = this.transport;
    if (host === undefined) throw new Error(`${this.transport.name} has one subscription`);
    return await insist(() => host(this.order(wish)));
  }

  async create(properties: Properties): Promise<string> {
    const path = `/api/objects/${this.town.collection}`;
    return (await this.town.as('alice').send<{ id: string }>('POST', path, properties)).id;
  }

  async change(id: string, properties: Properties): Promise<void> {
    await this.town.as('alice').send('PATCH', `/api/objects/${this.town.collection}/${id}`, properties);
  }

  async remove(id: string): Promise<void> {
    await this.town.as('alice').ask('DELETE', `/api/objects/${this.town.collection}/${id}`);
  }

  /** Another schema in the same register, which every gateway knows. */
  async schema(authorization: unknown): Promise<Place & { readonly id: string }> {
    const slug = `s-${randomUUID().slice(0, 8)}`;
    const { id, table } = await this.town.admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
      register: this.#register,
      slug,
      title: slug,
      authorization,
      properties: { titel: { type: 'string' } },
    });
    const place = {
      id,
      table,
      topic: `register/${this.#register}/schema/${slug}`,
      graphql: { events: eventsOf(slug), properties: ['titel'] },
    };
    const token = this.town.tokens.admin;
    await waitFor(
      async () => {
        using first = await this.ask({ place, token });
        using second = await this.ask({ place, token, gateway: 1 });
        return first.account.live && second.account.live;
      },
      { what: 'the new schema is known' },
    );
    return place;
  }

  /** Somebody else of Alice's and Bob's organisation. */
  async somebody(): Promise<Credential> {
    const organisation = this.town.organisations.a;
    const id = `dana-${randomUUID().slice(0, 8)}`;
    await this.town.admin.send('POST', '/api/principals', {
      id,
      name: 'Dana',
      organisations: [organisation],
      activeOrganisation: organisation,
    });
    return await this.credential(id);
  }

  /** Another credential of a principal. */
  async credential(principal: string, expiresAt?: string): Promise<Credential> {
    return await this.town.admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
      principal,
      name: 'claim',
      ...(expiresAt !== undefined && { expiresAt }),
    });
  }

  /** Another credential of Bob. */
  async bobs(expiresAt?: string): Promise<Credential> {
    const me = await this.town.as('bob').send<{ principal: { id: string } }>('GET', '/api/auth/me');
    return await this.credential(me.principal.id, expiresAt);
  }

  async revoke({ id }: Credential): Promise<void> {
    await this.town.admin.ask('DELETE', `/api/auth/tokens/${id}`);
  }
}

/** What GraphQL calls the subscription to a schema that is the only one of its slug. */
function eventsOf(slug: string): string {
  return `${slug.replaceAll(/-(.)/g, (_all, letter: string) => letter.toUpperCase())}Events`;
}

/** What a follower was told of some rows so far: what others did meanwhile is not the claim's. */
export function toldOf({ account }: Follower | Guest, ...ids: readonly string[]): readonly Told[] {
  return account.changes.filter(({ id }) => ids.includes(id));
}

/** Waits until a follower was told so often of some rows. */
export async function untilTold(
  follower: Follower | Guest,
  count: number,
  ...ids: readonly string[]
): Promise<readonly Told[]> {
  const { account } = follower;
  await waitFor(() => toldOf(follower, ...ids).length >= count || !account.live, {
    what: `${count} changes are told`,
    timeoutMs: 10_000,
  });
  if (!account.live) throw new Error(`it is over: ${JSON.stringify(account.end ?? account.refusal)}`);
  return toldOf(follower, ...ids);
}

async function insist<T extends Follower>(open: () => Promise<T>): Promise<T> {
  return await waitFor(
    async () => {
      const follower = await open();
      if (follower.account.refusal?.status !== 503) return follower;
      follower[Symbol.dispose]();
      return undefined;
    },
    { what: 'the gateway is level with the log', timeoutMs: 10_000 },
  );
}
