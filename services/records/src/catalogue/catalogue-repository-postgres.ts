import { TidewireError } from '@tidewire/contract';
import type { CatalogueKind, NamedProperties, ObjectType, Register, RightsState } from '@tidewire/contract';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, Provenance } from '@tidewire/service-kit';
import { TableTaken } from './catalogue-repository.ts';
import type { CataloguePage, CatalogueRepository } from './catalogue-repository.ts';

const PAGE_ITEMS = 500;
/** Half of what a message may hold; a single state is at most a quarter of it. */
const PAGE_BYTES = 1024 * 1024;

/** Registers and schemas in PostgreSQL. Versions, times and events are made by triggers. */
export function createCatalogueRepository(pool: Pool): CatalogueRepository {
  const write = <State>(provenance: Provenance, text: string, values: unknown[]): Promise<State> =>
    writeOne(pool, provenance, { text, values });
  return {
    insertRegister: (provenance, { id, slug, title, description }) =>
      write<Register>(
        provenance,
        `insert into records.registers as r (id, slug, title, description) values ($1, $2, $3, $4)
         returning records.register_state(r) as state`,
        [id, slug, title, description],
      ),
    updateRegister: (provenance, id, { title, description, removed }) =>
      write<Register>(
        provenance,
        `update records.registers r set title = coalesce($2, r.title), description = coalesce($3, r.description),
           removed = coalesce($4, false)
         where r.id = $1 and not r.removed returning records.register_state(r) as state`,
        [id, title, description, removed],
      ),
    insertSchema: (provenance, values) =>
      write<ObjectType>(
        provenance,
        `insert into records.schemas as s
           (id, register_id, slug, table_slug, title, description, properties, required)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning records.schema_state(s) as state`,
        [
          values.id,
          values.register,
          values.slug,
          values.table,
          values.title,
          values.description,
          JSON.stringify(values.properties),
          values.required,
        ],
      ),
    updateSchema: (provenance, id, { title, description, properties, required, removed }) =>
      write<ObjectType>(
        provenance,
        `update records.schemas s set title = coalesce($2, s.title), description = coalesce($3, s.description),
           properties = s.properties || coalesce($4, '{}'::jsonb), required = coalesce($5, s.required),
           removed = coalesce($6, false)
         where s.id = $1 and not s.removed returning records.schema_state(s) as state`,
        [
          id,
          title,
          description,
          properties === undefined ? undefined : JSON.stringify(properties),
          required,
          removed,
        ],
      ),
    names: (kind, id, names) => describe(pool, kind, id, names),
    statePage: (after) => statePage(pool, after),
  };
}

async function writeOne<State>(
  pool: Pool,
  provenance: Provenance,
  { text, values }: { text: string; values: unknown[] },
): Promise<State> {
  try {
    return await inTransaction(pool, { provenance }, async (client) => {
      const { rows } = await client.query<{ state: State }>(text, values);
      const [row] = rows;
      if (row === undefined) throw new TidewireError('NOT_FOUND', 'Not found.');
      return row.state;
    });
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

async function describe(
  pool: Pool,
  kind: CatalogueKind,
  id: string,
  names: readonly string[],
): Promise<NamedProperties | null> {
  const { rows } = await pool.query<NamedProperties & { found: boolean }>(
    `with wanted as (
       select s.properties from records.schemas s
       where not s.removed and case $1 when 'schema' then s.id = $2::uuid else s.register_id = $2::uuid end
     ), known as (
       select distinct name, jsonb_strip_nulls(jsonb_build_object('type', w.properties #> array[name, 'type'],
         'format', w.properties #> array[name, 'format'])) as definition
       from wanted w, unnest($3::text[]) as name where w.properties ? name
     )
     select exists (select from wanted)
         or exists (select from records.registers r where $1 = 'register' and r.id = $2::uuid and not r.removed) as found,
       (select count(*) from wanted) as schemas,
       coalesce((
         select jsonb_agg(jsonb_build_object('name', asked.name, 'definitions', coalesce(
           (select jsonb_agg(k.definition) from known k where k.name = asked.name), '[]')))
         from unnest($3::text[]) as asked (name)), '[]') as properties`,
    [kind, id, names],
  );
  const [row] = rows;
  return row?.found === true ? { schemas: row.schemas, properties: row.properties } : null;
}

interface StateRow {
  readonly epoch: string;
  readonly sequence: number;
  readonly key: string | null;
  readonly state: RightsState | null;
  readonly more: boolean;
}

async function statePage(pool: Pool, after: string | null): Promise<CataloguePage> {
  const { rows } = await pool.query<StateRow>(
    `with states as (
       select 'register ' || r.id as key, records.register_state(r) as state from records.registers r
       where not r.removed or r.removed_at > clock_timestamp() - (select slug_reserved_for from records.settings)
       union all
       select 'schema ' || s.id, records.schema_state(s) from records.schemas s
       where not s.removed or s.removed_at > clock_timestamp() - (select slug_reserved_for from records.settings)
     ), following as (
       select key, state from states where $1::text is null or key collate "C" > $1 order by key collate "C" limit $2 + 1
     ), sized as (
       select key, state, row_number() over running as number,
         sum(octet_length(state::text)) over running - octet_length(state::text) as bytes_before
       from following window running as (order by key collate "C")
     )
     select p.epoch, p.sequence, i.key, i.state,
       (select count(*) from following) > (select count(*) from sized where number <= $2 and bytes_before < $3) as more
     from outbox.position() p
     left join sized i on i.number <= $2 and i.bytes_before < $3
     order by i.number`,
    [after, PAGE_ITEMS, PAGE_BYTES],
  );
  const [first] = rows;
  if (first === undefined) throw new Error('the statement returned no position');
  const items = rows.flatMap(({ state }) => (state === null ? [] : [state]));
  return {
    position: { epoch: first.epoch, sequence: first.sequence },
    items,
    next: first.more ? (rows.at(-1)?.key ?? null) : null,
  };
}

/** What a constraint says to a client; undefined for any other error. */
function refusalOf(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  switch ((error as { constraint?: unknown }).constraint) {
    case 'registers_slug':
    case 'schemas_slug':
    case 'slug_reserved':
      return new TidewireError('SLUG_RESERVED', 'The slug is taken, or was used until recently.', {
        errors: [{ field: '/slug', message: 'is taken, or was used until recently' }],
        retryAfterSeconds: 3600,
      });
    case 'schemas_table':
    case 'table_reserved':
      return new TableTaken();
    case 'schema_register_exists':
    case 'catalogue_removed':
      return new TidewireError('NOT_FOUND', 'Not found.');
    case 'schema_properties_size':
      return new TidewireError(
        'PAYLOAD_TOO_LARGE',
        'The properties of a schema have at most 256 KiB of JSON.',
      );
    default:
      return undefined;
  }
}
