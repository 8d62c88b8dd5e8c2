import type { PoolClient } from '@tidewire/service-kit';

/** What a follower sees of a schema, as a digest; empty: nothing. */
export interface Sight {
  readonly principal: string;
  readonly schema: string;
  readonly digest: string;
}

/** What followers see as of a sequence of the log. */
export interface Sights {
  readonly sequence: number;
  readonly sights: readonly Sight[];
}

const ROWS = `SELECT u.principal, u.schema_id, u.digest
  FROM unnest($1::text[], $2::uuid[], $3::text[]) AS u (principal, schema_id, digest)
  JOIN push.followers USING (principal)`;

/** Writes what followers see who had no row: what changes later is compared with it. */
export async function writeFirstSights(client: PoolClient, { sequence, sights }: Sights): Promise<void> {
  const seeing = sights.filter(({ digest }) => digest !== '');
  if (seeing.length === 0) return;
  await client.query(
    `INSERT INTO push.sights (principal, schema_id, digest, sequence)
     SELECT rows.*, $4 FROM (${ROWS}) AS rows ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
    [...columnsOf(seeing), sequence],
  );
}

/**
 * Writes what followers see now and returns the sights that differ from what was written before; where nothing was, they saw
 * nothing. What was written as of a later sequence stays, and does not differ.
 */
export async function exchangeSights(
  client: PoolClient,
  { sequence, sights }: Sights,
): Promise<readonly Pick<Sight, 'principal' | 'schema'>[]> {
  if (sights.length === 0) return [];
  const { rows } = await client.query<{ principal: string; schema: string }>(
    `INSERT INTO push.sights AS s (principal, schema_id, digest, sequence)
     SELECT now.*, $4 FROM (${ROWS}) AS now LEFT JOIN push.sights old USING (principal, schema_id)
     WHERE now.digest <> coalesce(old.digest, '') ORDER BY 1, 2
     ON CONFLICT (principal, schema_id) DO UPDATE SET digest = excluded.digest, sequence = excluded.sequence
       WHERE s.digest <> excluded.digest AND s.sequence <= excluded.sequence
     RETURNING principal, schema_id AS schema`,
    [...columnsOf(sights), sequence],
  );
  return rows;
}

/** Forgets all of them: they are written anew as first ones. */
export async function forgetSights(client: PoolClient): Promise<void> {
  await client.query('DELETE FROM push.sights');
}

function columnsOf(sights: readonly Sight[]): readonly string[][] {
  return [
    sights.map(({ principal }) => principal),
    sights.map(({ schema }) => schema),
    sights.map(({ digest }) => digest),
  ];
}
