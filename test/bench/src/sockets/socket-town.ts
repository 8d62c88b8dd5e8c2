import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../../../support/api.ts';
import { LEVELS, VIEW_CLASSES, levelRule } from './view-classes.ts';
import type { SocketWrite } from './view-classes.ts';

/** A register with one table, and principals whose rights make {@link VIEW_CLASSES}. */
export interface SocketTown {
  readonly readers: readonly SocketReader[];
  /** In one transaction, in this order. */
  readonly write: (writes: readonly SocketWrite[]) => Promise<void>;
}

export interface SocketReader {
  /** Of a socket with everything that makes the reader's class. */
  readonly path: string;
  /** Index into {@link VIEW_CLASSES}. */
  readonly viewClass: number;
}

const REQUESTS_AT_ONCE = 8;

/** Builds it over REST, as an administrator would. */
export async function buildSocketTown(platform: Platform, readerCount: number): Promise<SocketTown> {
  const admin = createApi(platform.origin, platform.adminToken);
  const suffix = randomUUID().slice(0, 8);
  const organisation = randomUUID();
  await admin.send('POST', '/api/organisations', {
    id: organisation,
    slug: `sockets-${suffix}`,
    name: 'Sockets',
  });
  const register = `sockets-${suffix}`;
  await admin.send('POST', '/api/registers', { slug: register, title: 'Sockets' });
  const schema = await admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
    register,
    slug: 'items',
    title: 'Items',
    authorization: { read: Array.from({ length: LEVELS }, (_, level) => levelRule(level)) },
    properties: {
      title: { type: 'string' },
      level: { type: 'integer' },
      status: { type: 'string' },
      amount: { type: 'integer' },
      note: { type: 'string' },
      serial: { type: 'integer' },
      sentUs: { type: 'integer' },
      secret: { type: 'string', authorization: { read: ['insiders'] } },
    },
  });
  const readers: SocketReader[] = [];
  const turns = Array.from({ length: readerCount }).keys();
  const next = async (): Promise<void> => {
    for (const index of turns) {
      readers[index] = await makeReader(index, { admin, suffix, organisation, table: schema.table });
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, next));
  return {
    readers,
    write: async (writes) => {
      await platform.sql(WRITE, [schema.id, organisation, JSON.stringify(writes)]);
    },
  };
}

/** One statement: inserts what is new, otherwise updates, in the order of the list. */
const WRITE = `
  insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
  select (w.write ->> 'uuid')::uuid, s.register_id, s.id, $2::uuid, null, w.write -> 'after'
  from records.schemas s, jsonb_array_elements($3::jsonb) with ordinality w (write, place)
  where s.id = $1
  order by w.place
  on conflict (uuid) do update set properties = excluded.properties`;

interface ReaderPlace {
  readonly admin: ReturnType<typeof createApi>;
  readonly suffix: string;
  readonly organisation: string;
  readonly table: string;
}

async function makeReader(
  index: number,
  { admin, suffix, organisation, table }: ReaderPlace,
): Promise<SocketReader> {
  const viewClass = index % VIEW_CLASSES.length;
  const { level, insider, filter } = VIEW_CLASSES[viewClass] ?? { level: 0, insider: false, filter: '' };
  const id = `reader-${index}-${suffix}`;
  await admin.send('POST', '/api/principals', {
    id,
    name: id,
    organisations: [organisation],
    activeOrganisation: organisation,
    groups: [`level-${level}`, ...(insider ? ['insiders'] : [])].map((group) => ({ organisation, group })),
  });
  const { token } = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
    principal: id,
    name: 'bench',
  });
  const path = `/api/tables/${table}/subscribe?token=${token}&filter=${encodeURIComponent(filter)}`;
  return { path, viewClass };
}
