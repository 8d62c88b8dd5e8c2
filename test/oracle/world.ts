import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';
import type { Answer, Api } from '../support/api.ts';
import { History } from './history.ts';
import { LogWatch } from './log-watch.ts';
import { Model } from './model.ts';
import type { Random } from './random.ts';
import { GROUPS, Generator, PROPERTY_KINDS } from './rules-generator.ts';
import type { Focus } from './rules-generator.ts';
import { withRight } from './rights.ts';
import type { Image, Membership, Policy, Principal, Schema, Scopes } from './rights.ts';
import type { Gateway, Ticket } from './subscriber.ts';

export interface WorldOptions {
  readonly platform: Platform;
  readonly gateways: readonly Gateway[];
  readonly random: Random;
}

const PEOPLE = 9;

/** What a run happens in: organisations, principals, schemas, their rules, and everything known of them. */
export class World {
  readonly platform: Platform;
  readonly gateways: readonly Gateway[];
  readonly admin: Api;
  readonly adminId: string;
  readonly history = new History();
  readonly model = new Model();
  readonly schemas: Schema[] = [];
  readonly organisations: string[] = [];
  readonly people: string[] = [];
  readonly generator: Generator;
  /** Whether a change takes a row into somebody's view or out of it. */
  crosses: (schema: Schema, before: Image, after: Image) => boolean = () => false;
  /** Whether too little of the kind happens by chance. */
  urgent = false;
  /** Properties that somebody filters by. */
  interesting: ReadonlySet<string> = new Set();
  readonly #tickets = new Map<string, Ticket>();
  #watch: LogWatch | undefined;

  private constructor({ platform, gateways }: WorldOptions, adminId: string) {
    this.platform = platform;
    this.gateways = gateways;
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
    const suffix = randomUUID().slice(0, 6);
    this.people = Array.from({ length: PEOPLE }, (_, index) => `person-${index}-${suffix}`);
    this.generator = new Generator(this.people);
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
      schemaOf: (id) => world.schemas.find((schema) => schema.id === id),
      onChange: (change) => world.model.told(change),
      onRights: (key, value) => world.model.toldRights(key, value),
    });
    await world.#createOrganisations();
    for (const id of world.people) await world.#createPrincipal(random, id);
    await world.#createSchemas(random);
    return world;
  }

  async close(): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }

  /** The credential that a principal uses now; null: nobody. */
  ticket(principal: string | null): Ticket {
    if (principal === null) return { principal: null, credential: null, token: null, limits: '' };
    const known = this.#tickets.get(principal);
    if (known === undefined) throw new Error(`${principal} has no credential`);
    return known;
  }

  api(principal: string): Api {
    return principal === this.adminId
      ? this.admin
      : createApi(this.platform.origin, this.ticket(principal).token ?? undefined);
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
    const own = this.model.rights.policies.get(schema.id)?.authorization ?? {};
    const inherited = this.model.rights.policies.get(schema.registerId)?.authorization ?? {};
    const rules = (Object.keys(own).length > 0 ? own : inherited).read ?? [];
    const fields = rules.flatMap((rule) => (typeof rule === 'string' ? [] : Object.keys(rule.match ?? {})));
    const known = (names: Iterable<string>): string[] =>
      [...names].filter((name) => schema.properties.has(name));
    return { deciding: known(fields), filtered: known(this.interesting) };
  }

  async giveToken(principal: string, scopes: Scopes | null): Promise<void> {
    const { id, token } = await this.admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
      principal,
      name: 'oracle',
      ...(scopes === null ? {} : { scopes }),
    });
    this.#tickets.set(principal, { principal, credential: id, token, limits: JSON.stringify(scopes) });
    this.model.granted(`credential/${id}`, { id, principal, scopes, ended: false });
  }

  async revokeToken(principal: string): Promise<void> {
    const { credential } = this.ticket(principal);
    if (credential === null) return;
    const known = this.model.rights.credentials.get(credential);
    await this.admin.send('DELETE', `/api/auth/tokens/${credential}`);
    this.model.granted(`credential/${credential}`, {
      id: credential,
      principal,
      scopes: known?.scopes ?? null,
      ended: true,
    });
  }

  async setPolicy(target: 'register' | 'schema', id: string, policy: Policy): Promise<void> {
    await this.admin.send('PUT', `/api/policies/${target}/${id}`, policy);
    this.model.granted(`policy/${id}`, policy);
  }

  /** Everything of a principal that can change, in one request. */
  async changePrincipal(
    id: string,
    change: Partial<Pick<Principal, 'organisations' | 'active' | 'groups'>>,
  ): Promise<void> {
    const next = { ...this.model.principal(id), ...change };
    await this.admin.send('PATCH', `/api/principals/${id}`, {
      organisations: next.organisations,
      activeOrganisation: next.active,
      groups: next.groups,
    });
    this.model.granted(`principal/${id}`, next);
  }

  async setMember(id: string, membership: Membership, isMember: boolean): Promise<void> {
    const { organisation, group } = membership;
    await this.admin.send(isMember ? 'PUT' : 'DELETE', `/api/groups/${organisation}/${group}/members/${id}`);
    const known = this.model.principal(id);
    const others = known.groups.filter((own) => own.organisation !== organisation || own.group !== group);
    this.model.granted(`principal/${id}`, { ...known, groups: isMember ? [...others, membership] : others });
  }

  async setParent(id: string, parent: string | null): Promise<Answer> {
    const answer = await this.admin.ask('PATCH', `/api/organisations/${id}`, { parent });
    if (answer.status === 200) this.model.granted(`organisation/${id}`, { id, parent });
    return answer;
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

  async #createPrincipal(random: Random, id: string): Promise<void> {
    const active = this.anOrganisation(random);
    const organisations = [
      active,
      ...random.some(this.organisations, 0.4).filter((other) => other !== active),
    ];
    const groups = organisations.flatMap((organisation) =>
      random.some(GROUPS, 0.4).map((group) => ({ organisation, group })),
    );
    const name = `Name of ${id}`;
    await this.admin.send('POST', '/api/principals', {
      id,
      name,
      organisations,
      activeOrganisation: active,
      groups,
    });
    this.model.granted(`principal/${id}`, { id, name, admin: false, organisations, active, groups });
    await this.giveToken(id, null);
  }

  async #createSchemas(random: Random): Promise<void> {
    const suffix = randomUUID().slice(0, 6);
    for (const [index, slugs] of [['cases', 'notes'], ['things']].entries()) {
      const slug = `r${index}-${suffix}`;
      const authorization = this.generator.rules(random) ?? {};
      const register = await this.admin.send<{ id: string }>('POST', '/api/registers', {
        slug,
        title: slug,
        authorization,
      });
      this.model.granted(`policy/${register.id}`, { authorization, properties: {} });
      for (const name of slugs) {
        const policy = this.generator.policy(random);
        const schema = await this.admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
          register: slug,
          slug: name,
          title: name,
          authorization: policy.authorization,
          properties: definitions(policy),
        });
        this.schemas.push({
          id: schema.id,
          slug: name,
          registerId: register.id,
          register: slug,
          table: schema.table,
          properties: new Map(Object.entries(PROPERTY_KINDS)),
        });
        this.model.granted(`policy/${schema.id}`, policy);
      }
    }
  }
}

function definitions(policy: Policy): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(PROPERTY_KINDS).map(([name, kind]) => {
      const type =
        kind === 'instant'
          ? { type: 'string', format: 'date-time' }
          : kind === 'list'
            ? { type: 'array', items: { type: 'string' } }
            : { type: kind };
      const rules = Object.hasOwn(policy.properties, name) ? policy.properties[name] : undefined;
      return [name, rules === undefined ? type : { ...type, authorization: rules }];
    }),
  );
}
