import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';
import type { Answer, Api } from '../support/api.ts';
import { createPrincipal, createRegister, createSchema } from './arrivals.ts';
import { governing } from './evaluator.ts';
import { Edits } from './edits.ts';
import type { FeedGroup } from './feed-group.ts';
import { History } from './history.ts';
import { LogWatch } from './log-watch.ts';
import { Model } from './model.ts';
import type { Random } from './random.ts';
import { Generator } from './rules-generator.ts';
import type { Focus } from './rules-generator.ts';
import { withRight } from './rights.ts';
import type { Image, Membership, Policy, Principal, RightsKey, RightsValue, Schema } from './rights.ts';
import type { Gateway } from './gateway.ts';
import type { Renewal } from './transports/shared-socket.ts';
import type { NatsConnections } from './transports/nats-connections.ts';
import type { Sockets } from './transports/sockets.ts';
import { openIssuer } from './foreign-tickets.ts';
import type { WorldIssuer } from './foreign-tickets.ts';
import { NOBODY } from './tickets.ts';
import type { Ticket } from './tickets.ts';
import { Visits } from './visits.ts';

export interface WorldOptions {
  readonly platform: Platform;
  readonly gateways: readonly Gateway[];
  readonly random: Random;
  readonly sockets: Sockets;
  readonly nats: NatsConnections;
  /** Where lists are asked for, and GraphQL is spoken. */
  readonly records: string;
}

const PEOPLE = 9;

const RETRY_MS = 50;
const MOST_ATTEMPTS = 600;

type Answered = Answer & { readonly attempts: number };

/** What a run happens in: organisations, principals, schemas, their rules, and everything known of them. */
export class World {
  readonly platform: Platform;
  /** Where lists are asked for, and GraphQL is spoken. */
  readonly records: string;
  readonly gateways: readonly Gateway[];
  readonly admin: Api;
  readonly adminId: string;
  /** Behind the slugs of this world: names of GraphQL are made of them, and are those of the whole platform. */
  readonly suffix = randomUUID().slice(0, 6);
  readonly history = new History();
  readonly model = new Model();
  /** Those that are there. */
  readonly schemas: Schema[] = [];
  /** All that ever were, by id. */
  readonly known = new Map<string, Schema>();
  readonly organisations: string[] = [];
  /** Those that are there; whoever goes makes room for somebody else. */
  readonly people: string[] = [];
  readonly generator: Generator;
  /** Whether a change takes a row into somebody's view or out of it. */
  crosses: (schema: Schema, before: Image, after: Image) => boolean = () => false;
  /** When time last showed and hid rows, milliseconds since 1970. */
  lastTurn = 0;
  /** Whether a process is on its way down or up. */
  troubled = false;
  /** Whether too little of the kind happens by chance. */
  urgent = false;
  /** Properties that somebody filters by. */
  interesting: ReadonlySet<string> = new Set();
  readonly sockets: Sockets;
  readonly nats: NatsConnections;
  /** Those whose workers share a feed. */
  groups: FeedGroup[] = [];
  readonly visits: Visits;
  readonly edits: Edits;
  readonly renewals: Record<Renewal, number> = { renewed: 0, refused: 0, gone: 0 };
  /** Credentials that will expire. */
  readonly expiring = new Set<string>();
  /** What principals use now. */
  readonly tickets = new Map<string, Ticket>();
  readonly passwords = new Map<string, string>();
  #watch: LogWatch | undefined;
  #issuer: WorldIssuer | undefined;

  private constructor({ platform, records, gateways, sockets, nats }: WorldOptions, adminId: string) {
    this.platform = platform;
    this.records = records;
    this.gateways = gateways;
    this.sockets = sockets;
    this.nats = nats;
    this.visits = new Visits(this);
    this.edits = new Edits(this);
    this.adminId = adminId;
    this.admin = createApi(platform.origin, platform.adminToken);
    this.model.rights = withRight(this.model.rights, `principal/${adminId}`, {
      id: adminId,
      name: adminId,
      admin: true,
      organisations: [],
      active: null,
      groups: [],
    });
    this.generator = new Generator(this.people, () => [...this.model.rows.keys()]);
  }

  /** Makes a world in a running platform. */
  static async create(options: WorldOptions): Promise<World> {
    const { platform, random } = options;
    const me = await createApi(platform.origin, platform.adminToken).send<{ principal: { id: string } }>(
      'GET',
      '/api/auth/me',
    );
    const world = new World(options, me.principal.id);
    world.#watch = await LogWatch.open(platform.natsUrl('fanout-gateway'), world.history, {
      schemaOf: (id) => world.known.get(id),
      onChange: (change) => world.model.told(change),
      onRights: (key, value) => world.#toldRights(key, value),
    });
    await world.#createOrganisations();
    for (let i = 0; i < PEOPLE; i += 1) world.people.push(await createPrincipal(world, random));
    await world.#createSchemas(random);
    return world;
  }

  async close(): Promise<void> {
    for (const group of this.groups) group.stop();
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#issuer?.[Symbol.asyncDispose]();
    await this.nats.close();
  }

  /** The issuer of access tokens, started when the first one is wanted. */
  async issuer(): Promise<WorldIssuer> {
    this.#issuer ??= await openIssuer(this);
    return this.#issuer;
  }

  /** The credential that a principal uses now; null: nobody. */
  ticket(principal: string | null): Ticket {
    if (principal === null) return NOBODY;
    const known = this.tickets.get(principal);
    if (known === undefined) throw new Error(`${principal} has no credential`);
    return known;
  }

  api(principal: string): Api {
    if (principal === this.adminId) return this.admin;
    const { headers: own } = this.ticket(principal);
    const { ask, send } = createApi(this.platform.origin);
    return { send, ask: (method, path, body, headers) => ask(method, path, body, { ...own, ...headers }) };
  }

  /**
   * What the administrator does to rights, until it is done: whoever answers may be down. What was done already is done.
   * Undefined: a repetition found it so.
   *
   * @throws Error when it is refused.
   */
  async act<T>(method: string, path: string, body?: unknown): Promise<T | undefined> {
    const { status, body: answer, attempts } = await this.ask(this.admin, method, path, body);
    if (status < 300) return answer as T;
    const isDone =
      attempts > 1 && ((method === 'DELETE' && status === 404) || (method === 'POST' && status === 409));
    if (isDone) return undefined;
    throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  }

  /** Asks until somebody answers: whoever should may be down. */
  async ask(api: Api, ...request: Parameters<Api['ask']>): Promise<Answered> {
    for (let attempts = 1; ; attempts += 1) {
      const answer = await api.ask(...request).catch(() => undefined);
      if (answer !== undefined && answer.status < 500 && answer.status !== 429)
        return { ...answer, attempts };
      const [method, path] = request;
      if (attempts >= MOST_ATTEMPTS) throw new Error(`${method} ${path} is not answered: ${answer?.status}`);
      await new Promise((wake) => {
        setTimeout(wake, RETRY_MS);
      });
    }
  }

  /** Whether the principal was removed, or something that the topics name. */
  isGone(principal: string | null, topics: readonly string[]): boolean {
    if (principal !== null && principal !== this.adminId && !this.people.includes(principal)) return true;
    return this.known
      .values()
      .some(
        (schema) =>
          !this.schemas.includes(schema) &&
          topics.includes(`register/${schema.register}/schema/${schema.slug}`),
      );
  }

  /** Most of what happens is in two of the organisations, one below the other. */
  anOrganisation(random: Random): string {
    const [above = '', below = ''] = this.organisations;
    return random.weighted([
      [5, above],
      [4, below],
      [1.5, random.pick(this.organisations)],
    ]);
  }

  /** Most of what happens is in one of the schemas. */
  aSchema(random: Random): Schema {
    const [first] = this.schemas;
    return first !== undefined && random.chance(0.45) ? first : random.pick(this.schemas);
  }

  /** The properties that decide who sees a row of the schema. */
  focusOf(schema: Schema): Focus {
    const rules = governing(this.model.rights, schema).read ?? [];
    const fields = rules.flatMap((rule) => (typeof rule === 'string' ? [] : Object.keys(rule.match ?? {})));
    const known = (names: Iterable<string>): string[] =>
      [...names].filter((name) => schema.properties.has(name));
    return { deciding: known(fields), filtered: known(this.interesting) };
  }

  async setPolicy(target: 'register' | 'schema', id: string, policy: Policy): Promise<void> {
    await this.act('PUT', `/api/policies/${target}/${id}`, policy);
    this.model.granted(`policy/${id}`, policy);
  }

  /** Everything of a principal that can change, in one request. */
  async changePrincipal(
    id: string,
    change: Partial<Pick<Principal, 'organisations' | 'active' | 'groups'>>,
  ): Promise<void> {
    const next = { ...this.model.principal(id), ...change };
    await this.act('PATCH', `/api/principals/${id}`, {
      organisations: next.organisations,
      activeOrganisation: next.active,
      groups: next.groups,
    });
    this.model.granted(`principal/${id}`, next);
  }

  /** A principal acts for another of its organisations from now on, by its own word. */
  async actFor(id: string, organisation: string): Promise<void> {
    const path = `/api/organisations/${organisation}/set-active`;
    const { status } = await this.ask(this.api(id), 'POST', path);
    if (status !== 200) throw new Error(`${id} may not act for ${organisation}: ${status}`);
    this.model.granted(`principal/${id}`, { ...this.model.principal(id), active: organisation });
  }

  async setMember(id: string, membership: Membership, isMember: boolean): Promise<void> {
    const { organisation, group } = membership;
    await this.act(isMember ? 'PUT' : 'DELETE', `/api/groups/${organisation}/${group}/members/${id}`);
    const known = this.model.principal(id);
    const others = known.groups.filter((own) => own.organisation !== organisation || own.group !== group);
    this.model.granted(`principal/${id}`, { ...known, groups: isMember ? [...others, membership] : others });
  }

  async setParent(id: string, parent: string | null): Promise<Answer> {
    const answer = await this.ask(this.admin, 'PATCH', `/api/organisations/${id}`, { parent });
    if (answer.status === 200) this.model.granted(`organisation/${id}`, { id, parent });
    return answer;
  }

  #toldRights(key: RightsKey, value: RightsValue): void {
    // Nobody asked for the end of a credential that expires.
    if ('ended' in value && value.ended && this.expiring.delete(value.id)) {
      const known = this.model.rights.credentials.get(value.id);
      if (known?.ended === false) this.model.granted(key, { ...known, ended: true });
    }
    this.model.toldRights(key, value);
  }

  async #createOrganisations(): Promise<void> {
    const parents = [null, 0, null, 1] as const;
    for (const [index, above] of parents.entries()) {
      const id = randomUUID();
      const parent = above === null ? null : (this.organisations[above] ?? null);
      await this.admin.send('POST', '/api/organisations', {
        id,
        slug: `org-${index}-${id.slice(0, 6)}`,
        name: `Organisation ${index}`,
        parent,
      });
      this.organisations.push(id);
      this.model.granted(`organisation/${id}`, { id, parent });
    }
  }

  async #createSchemas(random: Random): Promise<void> {
    for (const [index, slugs] of [['cases', 'notes'], ['things']].entries()) {
      const register = await createRegister(this, random, `r${index}-${this.suffix}`);
      for (const slug of slugs)
        this.schemas.push(await createSchema(this, random, register, `${slug}-${this.suffix}`));
    }
  }
}
