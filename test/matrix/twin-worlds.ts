import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';

/** A row as it is put into the database, past every trigger: there is no event, no version and no trace of it. */
export interface PlacedRow {
  readonly uuid: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** `other`: of an organisation that the reader has nothing to do with. */
  readonly organisation?: 'home' | 'other';
  /** It was deleted, and this is what is left of it. `emptied`: not even its values. */
  readonly deleted?: 'restorable' | 'emptied';
}

/** What there is in the schema; nothing else differs between two worlds. */
export type World = readonly PlacedRow[];

/** Who asks: in no group; in the group that may see everything; of another organisation; without a credential. */
export type Asker = 'reader' | 'chief' | 'outsider' | 'nobody';

export interface Probe {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const AT = '2026-01-02T03:04:05.006Z';
const hidden = { group: 'authenticated', match: { shared: true } };
const rows = ['chiefs', { group: 'authenticated', match: { state: 'open' } }];

/** `pay` is for the group, `memo` for everybody on shared rows, `tag` may be written by who may not see it. */
const PROPERTIES = {
  title: { type: 'string' },
  state: { type: 'string' },
  rank: { type: 'integer' },
  shared: { type: 'boolean' },
  pay: { type: 'integer', authorization: { read: ['chiefs'], update: ['chiefs'] } },
  memo: { type: 'string', authorization: { read: ['chiefs', hidden], update: ['chiefs', hidden] } },
  tag: { type: 'string', authorization: { read: ['chiefs'] } },
};

/** One platform on which the same questions are asked in two worlds that differ in what the asker may not read. */
export class TwinWorlds {
  readonly platform: Platform;
  readonly register: string;
  /** Path of the objects, and of the same rows as records. */
  readonly objects: string;
  readonly records: string;
  readonly table: string;
  readonly organisations: { readonly home: string; readonly other: string };
  readonly #schema: { readonly id: string; readonly registerId: string };
  readonly #tokens: ReadonlyMap<Asker, string>;

  private constructor(platform: Platform, made: Omit<Made, 'platform'>) {
    this.platform = platform;
    this.register = made.register;
    this.table = made.table;
    this.objects = `/api/objects/${made.register}/things`;
    this.records = `/api/tables/${made.table}/records`;
    this.organisations = made.organisations;
    this.#schema = made.schema;
    this.#tokens = made.tokens;
  }

  static async build(platform: Platform): Promise<TwinWorlds> {
    return new TwinWorlds(platform, await make(platform));
  }

  token(asker: Asker): string | undefined {
    return this.#tokens.get(asker);
  }

  get schemaId(): string {
    return this.#schema.id;
  }

  /** Makes the world the one that there is. */
  async become(world: World): Promise<void> {
    const living = world.filter(({ deleted }) => deleted === undefined).map((row) => this.#recordOf(row));
    const graves = world.filter(({ deleted }) => deleted !== undefined).map((row) => this.#graveOf(row));
    await this.platform.sql(`begin;
      alter table records.objects disable trigger user;
      delete from records.objects where schema_id = '${this.#schema.id}';
      delete from records.tombstones where schema_id = '${this.#schema.id}';
      insert into records.objects (uuid, register_id, schema_id, organisation, properties, created, updated, transaction)
        select uuid, register_id, schema_id, organisation, properties, created, updated, pg_current_xact_id()
        from jsonb_to_recordset(${quoted(living)}) as r(uuid uuid, register_id uuid, schema_id uuid, organisation uuid,
          properties jsonb, created timestamptz, updated timestamptz);
      insert into records.tombstones (uuid, register_id, schema_id, register_slug, schema_slug, organisation, version,
          deleted_at, properties, created, updated, restorable, transaction)
        select uuid, register_id, schema_id, register_slug, 'things', organisation, 2, deleted_at, properties, created,
          updated, properties is not null, pg_current_xact_id()
        from jsonb_to_recordset(${quoted(graves)}) as r(uuid uuid, register_id uuid, schema_id uuid, register_slug text,
          organisation uuid, deleted_at timestamptz, properties jsonb, created timestamptz, updated timestamptz);
      do $$ declare name text; begin
        for name in select tgname from pg_trigger where tgrelid = 'records.objects'::regclass and not tgisinternal loop
          execute format('alter table records.objects enable always trigger %I', name);
        end loop;
      end $$;
      commit`);
  }

  /** Asks one question. The answer is all that the asker is told, but for what differs between any two requests. */
  async ask(asker: Asker, { method, path, body, headers = {} }: Probe): Promise<string> {
    const token = this.#tokens.get(asker);
    const response = await fetch(`${this.platform.origin}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const told = [...response.headers].filter(([name]) => !OF_THE_REQUEST.has(name));
    return [
      `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`,
      String(response.status),
      ...told.map(([name, value]) => `${name}: ${masked(value)}`),
      masked(text),
    ].join('\n');
  }

  #recordOf({ uuid, properties, organisation = 'home' }: PlacedRow): Record<string, unknown> {
    const { id, registerId } = this.#schema;
    const place = { register_id: registerId, schema_id: id, organisation: this.organisations[organisation] };
    return { uuid, ...place, properties, created: AT, updated: AT };
  }

  #graveOf(row: PlacedRow): Record<string, unknown> {
    const properties = row.deleted === 'emptied' ? null : row.properties;
    return { ...this.#recordOf(row), properties, register_slug: this.register, deleted_at: AT };
  }
}

const OF_THE_REQUEST: ReadonlySet<string> = new Set(['date', 'x-correlation-id', 'content-length']);

/** Places in the log, which everybody may count, and cursors, which are made of them. */
function masked(text: string): string {
  return text.replaceAll(/evt-[0-9a-z]{8}-\d{12}/g, 'evt-…').replaceAll(/poll\.[\w.~-]+/g, 'poll.…');
}

/** Ids and times that a write has made: two writes never have the same. */
export function withoutNewNames(answer: string): string {
  return answer
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '{uuid}')
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '{time}');
}

function quoted(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'::jsonb`;
}

interface Made {
  readonly register: string;
  readonly table: string;
  readonly organisations: { readonly home: string; readonly other: string };
  readonly schema: { readonly id: string; readonly registerId: string };
  readonly tokens: ReadonlyMap<Asker, string>;
}

async function make({ origin, adminToken }: Platform): Promise<Made> {
  const admin = createApi(origin, adminToken);
  const suffix = randomUUID().slice(0, 8);
  const organisations = { home: randomUUID(), other: randomUUID() };
  for (const [name, id] of Object.entries(organisations)) {
    await admin.send('POST', '/api/organisations', { id, slug: `${name}-${suffix}`, name });
  }
  const tokens = new Map<Asker, string>();
  for (const [asker, organisation, groups] of [
    ['reader', organisations.home, []],
    ['chief', organisations.home, ['chiefs']],
    ['outsider', organisations.other, ['chiefs']],
  ] as const) {
    const id = `${asker}-${suffix}`;
    await admin.send('POST', '/api/principals', {
      id,
      name: asker,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: groups.map((group) => ({ organisation, group })),
    });
    const body = { principal: id, name: 'twin' };
    tokens.set(asker, (await admin.send<{ token: string }>('POST', '/api/auth/tokens', body)).token);
  }
  const register = `twin-${suffix}`;
  const { id: registerId } = await admin.send<{ id: string }>('POST', '/api/registers', { slug: register });
  const { id, table } = await admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
    register,
    slug: 'things',
    authorization: { read: rows, create: ['authenticated'], update: rows, delete: rows },
    properties: PROPERTIES,
  });
  return { register, table, organisations, schema: { id, registerId }, tokens };
}
