import type { LogPosition } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';
import { formatSubscriberName } from './subscriber-user.ts';
import type { SubscriberName } from './subscriber-user.ts';

/** Clients from one address that were not let in for the same reason. */
export interface CountedRefusal {
  readonly address: string;
  readonly principal: string | null;
  readonly reason: string;
  readonly count: number;
}

/** Which of these credentials do not count at `nowMs`, or not for this principal: names of their users. */
export async function findDeparted(
  db: Pool,
  names: readonly SubscriberName[],
  nowMs: number,
): Promise<Set<string>> {
  const { rows } = await db.query<SubscriberName>(
    `SELECT n.principal, n.credential FROM unnest($1::text[], $2::uuid[]) AS n (principal, credential)
     WHERE NOT EXISTS (
       SELECT FROM authz.credentials c JOIN authz.principals p ON p.id = c.principal
       WHERE c.id = n.credential AND c.principal = n.principal AND NOT p.removed AND c.ended_at IS NULL
         AND (c.expires_at IS NULL OR c.expires_at > to_timestamp($3::float8 / 1000)))`,
    [names.map(({ principal }) => principal), names.map(({ credential }) => credential), nowMs],
  );
  return new Set(rows.map(formatSubscriberName));
}

/** The place in the log that a snapshot of now includes. */
export async function readLogPosition(db: Pool): Promise<LogPosition> {
  const { rows } = await db.query<LogPosition>('SELECT epoch, sequence FROM outbox.position()');
  const [row] = rows;
  if (row === undefined) throw new Error('the outbox has no position');
  return { epoch: row.epoch, sequence: row.sequence };
}

/** Writes an entry of the audit log for each. */
export async function writeRefusals(db: Pool, refusals: readonly CountedRefusal[]): Promise<void> {
  await db.query('SELECT authz.audit_refusals($1::jsonb)', [JSON.stringify(refusals)]);
}
