import { randomUUID } from 'node:crypto';
import { GRAPHQL_STREAM_TOKEN_HEADER } from '@tidewire/contract';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { graphqlNamesOf } from './graphql-source.ts';
import type { GraphqlNames } from './graphql-source.ts';
import { LivingThings } from './living-things.ts';
import type { FuzzRequest } from './request-source.ts';

/** How many names of a kind are kept: the newest, because requests delete what others made. */
const KEPT = 40;
const KEPT_PLACES = 4;

/** A schema with rows that belong together: what one request is about. */
export interface Place {
  readonly register: string;
  readonly schema: string;
  readonly table: string;
  readonly graphql: GraphqlNames;
  readonly objects: string[];
  /** Deleted, and so to be restored. */
  readonly deleted: string[];
}

/**
 * What exists for the requests to be about: a register with a schema, principals with tokens, and what the requests
 * themselves create. What they take away is put back now and then, by an administrator that they do not know.
 */
export class FuzzWorld {
  readonly #platform: Platform;
  readonly #root: Api;
  readonly #names = new Map<string, string[]>();
  #organisation = '';
  #made = 0;
  readonly living: LivingThings;
  tokens: readonly string[] = [];
  /** The newest last. */
  places: readonly Place[] = [];

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#root = createApi(platform.origin, platform.adminToken);
    this.living = new LivingThings({
      platform,
      root: this.#root,
      newMember: () => this.#newMember(),
      learn: (kind, name) => this.#learn(kind, name),
    });
  }

  /** Makes what is missing: everything at first, later what was deleted. */
  async mend(): Promise<void> {
    if (this.#organisation === '') {
      this.#organisation = randomUUID();
      await this.#root.send('POST', '/api/organisations', {
        id: this.#organisation,
        slug: 'fuzz',
        name: 'Fuzz',
      });
      this.#learn('organisation', this.#organisation);
    }
    // The administrator's first: rows of a new place are made with the second.
    for (const [index, token] of this.tokens.entries()) {
      if (!(await this.#works(token, index === 0)))
        this.tokens = this.tokens.with(index, await this.#newToken(index === 0));
    }
    while (this.tokens.length < 3) {
      this.tokens = [...this.tokens, await this.#newToken(this.tokens.length === 0)];
    }
    await this.#newPlace();
    await this.living.renew(this.tokens, `register/${this.places.at(-1)?.register}`);
  }

  /** Existing things that the parameter of a path may name. */
  names(place: Place, path: string, parameter: string): readonly string[] {
    const kind = kindOf(path, parameter);
    const isObjects = path.startsWith('/api/objects') || path.startsWith('/api/tables');
    if (kind === 'object') return path.includes('restore') ? place.deleted : place.objects;
    if (kind === 'table') return [place.table];
    if (kind.toLowerCase() === GRAPHQL_STREAM_TOKEN_HEADER) return this.living.graphqlStreams;
    if (path.includes('/identities'))
      return this.#names.get(kind === 'issuer' ? 'linking-issuer' : 'linked') ?? [];
    if (path.startsWith('/api/groups') && kind === 'organisation') return [this.#organisation];
    if (isObjects && kind === 'register') return [place.register];
    if (isObjects && kind === 'schema') return [place.schema];
    return this.#names.get(kind) ?? [];
  }

  /** Learns from the success of a request what exists now. */
  learnFrom({ operation, place, target, body }: FuzzRequest, answer: unknown): void {
    const { method, path } = operation;
    const kind = kindOf(path, 'id');
    if (method === 'DELETE' && kind === 'object') {
      const ids = (parse(body) as { ids?: string[] } | undefined)?.ids;
      const inPath = target.split('?')[0]?.split('/').at(-1);
      for (const id of ids ?? [inPath ?? '']) move(id, place.objects, place.deleted);
    }
    if (method !== 'POST' || typeof answer !== 'object' || answer === null) return;
    const { record, records = [] } = answer as { record?: object; records?: object[] };
    for (const one of [answer, ...(record === undefined ? [] : [record]), ...records]) {
      const { id, slug } = one as { id?: unknown; slug?: unknown };
      if (typeof id === 'string' && kind === 'object') keep(place.objects, id);
      else if (typeof id === 'string') this.#learn(kind, id);
      if (typeof slug === 'string') this.#learn(kind, slug);
    }
  }

  /** The body with names that exist where it names things, and names of its own where names have to be new. */
  freshen(place: Place, path: string, body: unknown): unknown {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    const fresh = Object.assign(Object.create(null), body) as Record<string, unknown>;
    this.#made += 1;
    const newest = (kind: string): string | undefined => this.#names.get(kind)?.at(-1);
    if (typeof fresh['slug'] === 'string') fresh['slug'] = `fuzz-${this.#made}`;
    if (typeof fresh['register'] === 'string') fresh['register'] = newest('register');
    if (typeof fresh['organisation'] === 'string') fresh['organisation'] = this.#organisation;
    if (typeof fresh['principal'] === 'string') fresh['principal'] = newest('principal');
    if (typeof fresh['id'] === 'string')
      fresh['id'] = this.#made % 2 === 0 ? randomUUID() : `fuzz-${this.#made}`;
    if (Array.isArray(fresh['organisations'])) fresh['organisations'] = [this.#organisation];
    if ('activeOrganisation' in fresh) fresh['activeOrganisation'] = this.#organisation;
    if ('parent' in fresh) fresh['parent'] = null;
    if (Array.isArray(fresh['groups']))
      fresh['groups'] = [{ organisation: this.#organisation, group: 'editors' }];
    if (path.startsWith('/api/issuers')) this.#freshenIssuer(fresh);
    if (path === '/api/auth/login') Object.assign(fresh, this.living.account);
    if (path.startsWith('/api/tables')) this.#freshenRecords(place, path, fresh);
    return fresh;
  }

  /** Whoever maps claims has to map them to what the issuer may give. */
  #freshenIssuer(body: Record<string, unknown>): void {
    if (typeof body['issuer'] === 'string') body['issuer'] = `https://login-${this.#made}.example.org`;
    if ('claims' in body) body['claims'] = { name: 'name' };
    if ('subject' in body) body['subject'] = `subject-${this.#made}`;
  }

  #freshenRecords(place: Place, path: string, body: Record<string, unknown>): void {
    const known = path.includes('restore') ? place.deleted : place.objects;
    if (Array.isArray(body['ids'])) body['ids'] = known.slice(-2);
    if ('fieldsToMergeOn' in body) body['fieldsToMergeOn'] = ['titel'];
    if ('matchFields' in body) body['matchFields'] = ['titel'];
    delete body['updatedAt'];
    if (body['fields'] !== undefined) body['fields'] = { titel: `Ding ${this.#made}` };
    if (!Array.isArray(body['records'])) return;
    body['records'] = body['records'].slice(0, 3).map((record: unknown, index) => {
      if (typeof record !== 'object' || record === null) return record;
      const id = 'id' in record ? { id: known.at(-1 - index) } : {};
      return { ...id, fields: { titel: `Ding ${this.#made}.${index}` } };
    });
  }

  /** A token of the administrator, who cannot be made by request, or of somebody new. */
  async #newToken(admin: boolean): Promise<string> {
    const principal = admin ? await this.#administrator() : await this.#newMember();
    const made = await this.#root.send<{ token: string }>('POST', '/api/auth/tokens', {
      principal,
      name: 'fuzz',
    });
    return made.token;
  }

  async #administrator(): Promise<string> {
    const me = await this.#root.send<{ principal: { id: string } }>('GET', '/api/auth/me');
    return me.principal.id;
  }

  async #newMember(): Promise<string> {
    const id = `fuzz-person-${randomUUID().slice(0, 8)}`;
    const organisation = this.#organisation;
    await this.#root.send('POST', '/api/principals', {
      id,
      name: id,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: [{ organisation, group: 'editors' }],
    });
    this.#learn('principal', id);
    return id;
  }

  /** A register with a schema and some rows. */
  async #newPlace(): Promise<void> {
    this.#made += 1;
    const register = `fuzz-place-${this.#made}`;
    const slug = `things-${this.#made}`;
    await this.#root.send('POST', '/api/registers', { slug: register, title: 'Fuzz' });
    const schema = await this.#root.send<{ id: string; table: string }>('POST', '/api/schemas', {
      register,
      slug,
      title: 'Things',
      required: ['titel'],
      properties: {
        titel: { type: 'string' },
        status: { type: 'string' },
        aantal: { type: 'integer' },
        bedrag: { type: 'number' },
        wanneer: { type: 'string', format: 'date-time' },
        klaar: { type: 'boolean' },
        lijst: { type: 'array', items: { type: 'string' } },
        diep: { type: 'object' },
        geheim: { type: 'string', authorization: { read: ['nobody'] } },
      },
      authorization: {
        read: ['authenticated'],
        create: ['authenticated'],
        update: ['authenticated'],
        delete: ['editors'],
      },
    });
    this.#learn('policy', schema.id);
    const { table } = schema;
    const graphql = graphqlNamesOf(this.#made);
    const place: Place = { register, schema: slug, table, graphql, objects: [], deleted: [] };
    this.places = [...this.places, place].slice(-KEPT_PLACES);
    this.#learn('topic', `register/${register}`);
    this.#learn('topic', `register/${register}/schema/${slug}`);
    this.#learn('group', 'editors');
    const api = createApi(this.#platform.origin, this.tokens[1]);
    for (let index = 0; index < 3; index += 1) {
      const object = await api.send<{ id: string }>('POST', `/api/objects/${register}/${slug}`, {
        titel: `Ding ${index}`,
        aantal: index,
      });
      keep(place.objects, object.id);
      this.#learn('topic', `object/${object.id}`);
    }
  }

  /** Requests take away tokens, and organisations and groups of people: then somebody else takes their place. */
  async #works(token: string, admin: boolean): Promise<boolean> {
    const { status, body } = await createApi(this.#platform.origin, token).ask('GET', '/api/auth/me');
    if (status !== 200 || admin) return status === 200;
    const { principal } = body as {
      principal: { activeOrganisation: string; groups: readonly { group: string }[] };
    };
    const isEditor = principal.groups.some(({ group }) => group === 'editors');
    return principal.activeOrganisation === this.#organisation && isEditor;
  }

  #learn(kind: string, name: string): void {
    const known = this.#names.get(kind) ?? [];
    this.#names.set(kind, [...known, name].slice(-KEPT));
  }
}

/** What kind of thing a parameter names, by its name and by where it stands. */
function kindOf(path: string, parameter: string): string {
  switch (parameter) {
    case 'id':
    case 'uuid':
    case 'recordId':
      if (path.startsWith('/api/organisations')) return 'organisation';
      if (path.startsWith('/api/principals')) return 'principal';
      if (path.startsWith('/api/policies')) return 'policy';
      if (path.startsWith('/api/issuers')) return 'issuer';
      if (path.startsWith('/api/auth/sessions')) return 'session';
      if (path.startsWith('/api/auth/access-tokens')) return 'access-token';
      if (path.includes('/connections')) return 'connection';
      if (path.startsWith('/api/auth/tokens')) return 'token';
      if (path.startsWith('/api/registers')) return 'register';
      if (path.startsWith('/api/schemas')) return 'schema-id';
      return 'object';
    case 'schema':
      return path.startsWith('/api/schemas') ? 'policy' : 'schema';
    case 'tableSlug':
      return 'table';
    default:
      return parameter;
  }
}

function keep(list: string[], name: string): void {
  list.push(name);
  if (list.length > KEPT) list.shift();
}

function move(name: string, from: string[], to: string[]): void {
  const index = from.indexOf(name);
  if (index < 0) return;
  from.splice(index, 1);
  keep(to, name);
}

function parse(body: Buffer | undefined): unknown {
  try {
    return body === undefined ? undefined : JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
