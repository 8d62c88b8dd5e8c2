import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../../../support/api.ts';
import type { Api } from '../../../support/api.ts';
import { benchRow, nowUs } from '../bench-town.ts';

export const TEAMS = 10;
export const READERS_PER_TEAM = 10;
/** Rows a statement writes: one per team and turn, so that each team's readers see a tenth of the events. */
const ROWS_PER_WRITE = 4;

export interface Reader {
  readonly id: string;
  readonly team: number;
  readonly token: string;
  readonly api: Api;
}

/** Teams with a schema each, which their members read; every member of the other organisation sees nothing of it. */
export interface RevocationTown {
  readonly admin: Api;
  readonly register: string;
  readonly organisation: string;
  readonly elsewhere: string;
  readonly schemas: readonly string[];
  readonly readers: readonly Reader[];
  readonly rules: (team: number) => Record<string, unknown>;
  readonly topic: (team: number) => string;
  /** Rows that nobody reads by rule. */
  readonly owned: { readonly schemaId: string; readonly path: string };
}

/** Builds it over REST, as an administrator would. */
export async function buildRevocationTown(base: string, adminToken: string): Promise<RevocationTown> {
  const admin = createApi(base, adminToken);
  const suffix = randomUUID().slice(0, 8);
  const [organisation, elsewhere] = [randomUUID(), randomUUID()];
  for (const [id, slug] of [
    [organisation, `here-${suffix}`],
    [elsewhere, `there-${suffix}`],
  ]) {
    await admin.send('POST', '/api/organisations', { id, slug, name: slug });
  }
  const register = `revocation-${suffix}`;
  await admin.send('POST', '/api/registers', { slug: register, title: 'Revocation' });
  const properties = { title: { type: 'string' }, sentUs: { type: 'integer' } };
  const rules = (team: number): Record<string, unknown> => ({ read: [`team-${team}`] });
  const schemas = [];
  for (let team = 0; team < TEAMS; team += 1) {
    const body = { register, slug: `items-${team}`, authorization: rules(team), properties };
    schemas.push((await admin.send<{ id: string }>('POST', '/api/schemas', body)).id);
  }
  const ownRows = { register, slug: 'owned', authorization: { read: [] }, properties };
  const owned = await admin.send<{ id: string }>('POST', '/api/schemas', ownRows);
  const readers = [];
  for (let index = 0; index < TEAMS * READERS_PER_TEAM; index += 1) {
    readers.push(await makeReader(base, admin, { index, suffix, organisation, elsewhere }));
  }
  return {
    admin,
    register,
    organisation,
    elsewhere,
    schemas,
    readers,
    rules,
    topic: (team) => `register/${register}/schema/items-${team}`,
    owned: { schemaId: owned.id, path: `/api/objects/${register}/owned` },
  };
}

interface ReaderPlace {
  readonly index: number;
  readonly suffix: string;
  readonly organisation: string;
  readonly elsewhere: string;
}

async function makeReader(
  base: string,
  admin: Api,
  { index, suffix, organisation, elsewhere }: ReaderPlace,
): Promise<Reader> {
  const team = Math.floor(index / READERS_PER_TEAM);
  const id = `reader-${index}-${suffix}`;
  await admin.send('POST', '/api/principals', {
    id,
    name: id,
    organisations: [organisation, elsewhere],
    activeOrganisation: organisation,
    groups: [{ organisation, group: `team-${team}` }],
  });
  const { token } = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
    principal: id,
    name: 'bench',
  });
  return { id, team, token, api: createApi(base, token) };
}

/** Writes events with plain SQL, spread over the teams, until told to stop; and changes `ownRow()` in every turn. */
export async function writeSteadily(
  platform: Platform,
  town: RevocationTown,
  options: { readonly rate: number; readonly signal: AbortSignal; readonly ownRow: () => string | undefined },
): Promise<number> {
  const started = performance.now();
  let written = 0;
  for (let turn = 0; !options.signal.aborted; turn += 1) {
    const due = started + ((turn * ROWS_PER_WRITE) / options.rate) * 1000;
    await new Promise((wake) => {
      setTimeout(wake, Math.max(0, due - performance.now()));
    });
    const { title } = benchRow(0);
    const row = JSON.stringify({ title, sentUs: nowUs() });
    const teams = Array.from(
      { length: ROWS_PER_WRITE },
      (_, index) => (turn * ROWS_PER_WRITE + index) % TEAMS,
    );
    await platform.sql(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select gen_random_uuid(), s.register_id, s.id, $2, null, $3 from records.schemas s where s.id = any($1)`,
      [teams.map((team) => town.schemas[team]), town.organisation, row],
    );
    const own = options.ownRow();
    if (own !== undefined) {
      await platform.sql('update records.objects set properties = $2 where uuid = $1', [own, row]);
    }
    written += ROWS_PER_WRITE;
  }
  return written;
}
