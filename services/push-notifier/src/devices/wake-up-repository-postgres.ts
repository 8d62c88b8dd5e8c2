import type { LogPosition } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Device } from './device.ts';
import { DEVICE_COLUMNS } from './device-repository-postgres.ts';

/** Something that changed for a principal, under every topic by which it can be asked for. */
export interface DeviceChange {
  readonly principal: string;
  readonly topics: readonly string[];
  /** Where in the log it happened; of several changes, where the first of them did. */
  readonly position: LogPosition;
}

/** What a device is to be told, in the hands of one sender. */
export interface TakenWakeUp {
  readonly device: Device;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  readonly firstAtMs: number;
  /** What it is about came after this. */
  readonly since: LogPosition;
  /** Null: many. */
  readonly topics: readonly string[] | null;
  /** Of the row; more came when it is another one. */
  readonly version: number;
  /** By which the row is known to be in these hands still. */
  readonly lease: string;
}

/** How many messages are under way for each. */
export type Busy = ReadonlyMap<string, number>;

export interface TakeRequest {
  readonly nowMs: number;
  /** Rows at most. */
  readonly limit: number;
  /** How long they are this sender's. */
  readonly leaseMs: number;
  readonly hosts: Busy;
  readonly perHost: number;
  readonly principals: Busy;
  readonly perPrincipal: number;
}

/** A message that was given up. */
export interface DeadLetter {
  readonly deviceId: string;
  readonly principal: string;
  readonly reason: string;
  readonly attempts: number;
  /** When it was tried first, milliseconds since 1970. */
  readonly firstAt: number;
}

/** The columns of a device, and those of its row. */
interface TakenRow extends Device {
  readonly attempt: number;
  readonly firstAtMs: number;
  readonly epoch: string;
  readonly sequence: number;
  readonly wakeUpTopics: string[] | null;
  readonly wakeUpVersion: number;
  readonly lease: string;
}

/** Rows that are looked at to find some that may be sent. */
const LOOK_AT = 1024;

/**
 * Notes which devices are to be told of changes: those of whose topics one is among the change's. What a device is to be told
 * already goes with it. Call it in the transaction that writes the changes.
 */
export async function enqueueWakeUps(
  client: PoolClient,
  changes: readonly DeviceChange[],
  nowMs?: number,
): Promise<void> {
  const flat = changes.flatMap(({ principal, topics, position: { epoch, sequence } }) =>
    topics.map((topic) => ({ principal, topic, epoch, sequence })),
  );
  if (flat.length === 0) return;
  // Devices in one order for all who write, so that no two wait for each other.
  await client.query(
    `WITH change AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS c (principal, topic, epoch, sequence)
     ), told AS (
       SELECT d.id, array_agg(DISTINCT c.topic) AS topics,
              (array_agg(c.epoch ORDER BY c.epoch COLLATE "C", c.sequence))[1] AS epoch,
              (array_agg(c.sequence ORDER BY c.epoch COLLATE "C", c.sequence))[1] AS sequence
       FROM change c JOIN push.devices d ON d.principal = c.principal AND c.topic = ANY (d.topics)
       GROUP BY d.id
     ), held AS (
       SELECT d.id, push.wake_at(d, coalesce(to_timestamp($5::float8 / 1000), clock_timestamp())) AS due_at
       FROM push.devices d WHERE d.id IN (SELECT id FROM told) ORDER BY d.id FOR KEY SHARE
     )
     INSERT INTO push.device_wakeups AS w (device, due_at, since_epoch, since_sequence, topics)
     SELECT id, h.due_at, t.epoch, t.sequence - 1, push.merge_topics(t.topics, '{}')
     FROM told t JOIN held h USING (id) ORDER BY id
     ON CONFLICT (device) DO UPDATE SET
       version = w.version + 1,
       topics = push.merge_topics(w.topics, excluded.topics),
       (since_epoch, since_sequence) = (SELECT * FROM (VALUES (w.since_epoch, w.since_sequence),
         (excluded.since_epoch, excluded.since_sequence)) AS s (epoch, sequence) ORDER BY 1, 2 LIMIT 1)`,
    [
      flat.map(({ principal }) => principal),
      flat.map(({ topic }) => topic),
      flat.map(({ epoch }) => epoch),
      flat.map(({ sequence }) => sequence),
      nowMs ?? null,
    ],
  );
}

/** Of some principals those who have devices. */
export async function findDeviceOwners(
  client: PoolClient,
  principals: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ principal: string }>(
    'SELECT DISTINCT principal FROM push.devices WHERE principal = ANY ($1)',
    [principals],
  );
  return new Set(rows.map(({ principal }) => principal));
}

/** Notes that every device is to be told, of no topic in particular: it is not known what changed after the position. */
export async function enqueueAll(client: PoolClient, { epoch, sequence }: LogPosition): Promise<void> {
  await client.query(
    `INSERT INTO push.device_wakeups AS w (device, due_at, since_epoch, since_sequence, topics)
     SELECT d.id, push.wake_at(d, clock_timestamp()), $1, $2, NULL FROM push.devices d ORDER BY d.id FOR KEY SHARE
     ON CONFLICT (device) DO UPDATE SET version = w.version + 1, topics = NULL`,
    [epoch, sequence],
  );
}

/**
 * Takes what is due: no more for one host or one principal than there is room for, so that those who wait for a slow one do
 * not keep the others waiting. What others hold is passed over.
 */
export async function takeWakeUps(pool: Pool, request: TakeRequest): Promise<readonly TakenWakeUp[]> {
  const { nowMs, limit, leaseMs, hosts, perHost, principals, perPrincipal } = request;
  const { rows } = await pool.query<TakenRow>(
    `WITH host AS (SELECT * FROM unnest($4::text[], $5::int[]) AS h (host, busy)),
     principal AS (SELECT * FROM unnest($6::text[], $7::int[]) AS p (principal, busy)),
     due AS (
       SELECT w.device, w.due_at, d.host, d.principal, coalesce(h.busy, 0) AS host_busy, coalesce(p.busy, 0) AS principal_busy
       FROM push.device_wakeups w JOIN push.devices d ON d.id = w.device
       LEFT JOIN host h ON h.host = d.host LEFT JOIN principal p ON p.principal = d.principal
       WHERE w.due_at <= to_timestamp($1::float8 / 1000) AND coalesce(h.busy, 0) < $8 AND coalesce(p.busy, 0) < $9
       ORDER BY w.due_at LIMIT ${LOOK_AT}
     ), fair AS (
       SELECT device, host_busy + row_number() OVER (PARTITION BY host ORDER BY due_at, device) AS of_host,
              principal_busy + row_number() OVER (PARTITION BY principal ORDER BY due_at, device) AS of_principal
       FROM due
     ), taken AS (
       SELECT w.device FROM push.device_wakeups w JOIN fair f USING (device)
       WHERE f.of_host <= $8 AND f.of_principal <= $9 AND w.due_at <= to_timestamp($1::float8 / 1000)
       ORDER BY w.due_at LIMIT $2 FOR NO KEY UPDATE OF w SKIP LOCKED
     ), attempted AS (
       UPDATE push.devices d SET attempted_at = to_timestamp($1::float8 / 1000) FROM taken WHERE d.id = taken.device
     )
     UPDATE push.device_wakeups w SET attempt = w.attempt + 1,
       due_at = to_timestamp(($1::float8 + $3::float8) / 1000),
       first_at = coalesce(w.first_at, to_timestamp($1::float8 / 1000))
     FROM taken JOIN push.devices d ON d.id = taken.device WHERE w.device = taken.device
     RETURNING ${DEVICE_COLUMNS}, w.attempt, (extract(epoch FROM w.first_at) * 1000)::float8 AS "firstAtMs",
       w.since_epoch AS epoch, w.since_sequence AS sequence, w.topics AS "wakeUpTopics", w.version AS "wakeUpVersion",
       w.due_at::text AS lease`,
    [
      nowMs,
      limit,
      leaseMs,
      [...hosts.keys()],
      [...hosts.values()],
      [...principals.keys()],
      [...principals.values()],
      perHost,
      perPrincipal,
    ],
  );
  return rows.map(
    ({ attempt, firstAtMs, epoch, sequence, wakeUpTopics, wakeUpVersion, lease, ...device }) => ({
      device,
      attempt,
      firstAtMs,
      since: { epoch, sequence },
      topics: wakeUpTopics,
      version: wakeUpVersion,
      lease,
    }),
  );
}

/** Notes that a device was told; what came meanwhile is told by another message, when it is time for that. */
export async function recordDelivery(pool: Pool, wakeUp: TakenWakeUp, nowMs: number): Promise<void> {
  const { device, version, lease } = wakeUp;
  await pool.query(
    `UPDATE push.devices SET last_delivered_at = to_timestamp($2::float8 / 1000), failures = 0 WHERE id = $1`,
    [device.id, nowMs],
  );
  const { rowCount } = await pool.query(
    'DELETE FROM push.device_wakeups WHERE device = $1 AND version = $2',
    [device.id, version],
  );
  if (rowCount === 1) return;
  await pool.query(
    `UPDATE push.device_wakeups w SET attempt = 0, first_at = NULL,
       due_at = push.wake_at(d, to_timestamp($2::float8 / 1000))
     FROM push.devices d WHERE w.device = $1 AND d.id = $1 AND w.due_at = $3::timestamptz`,
    [device.id, nowMs, lease],
  );
}

/** Lets go of what its device may not be told, unless more came meanwhile. */
export async function dropWakeUp(pool: Pool, wakeUp: TakenWakeUp, nowMs: number): Promise<void> {
  const { rowCount } = await pool.query(
    'DELETE FROM push.device_wakeups WHERE device = $1 AND version = $2 AND due_at = $3::timestamptz',
    [wakeUp.device.id, wakeUp.version, wakeUp.lease],
  );
  if (rowCount === 0) await putBack(pool, wakeUp, nowMs);
}

/** Gives back what was not tried, for anybody to take at `dueMs`. */
export async function putBack(pool: Pool, wakeUp: TakenWakeUp, dueMs: number): Promise<void> {
  await pool.query(
    `UPDATE push.device_wakeups SET attempt = attempt - 1, due_at = to_timestamp($2::float8 / 1000),
       first_at = CASE WHEN attempt > 1 THEN first_at END
     WHERE device = $1 AND due_at = $3::timestamptz`,
    [wakeUp.device.id, dueMs, wakeUp.lease],
  );
}

/** Tries again at `dueMs`, or when the quiet hours are over that are then. */
export async function postponeWakeUp(pool: Pool, wakeUp: TakenWakeUp, dueMs: number): Promise<void> {
  await pool.query(
    `UPDATE push.device_wakeups w SET due_at = push.after_quiet(
       to_timestamp($2::float8 / 1000), d.quiet_from, d.quiet_until, d.quiet_zone)
     FROM push.devices d WHERE w.device = $1 AND d.id = $1 AND w.due_at = $3::timestamptz`,
    [wakeUp.device.id, dueMs, wakeUp.lease],
  );
}

/**
 * Gives a message up, with all that came meanwhile: the next change is told anew. A device to which nothing came through so many
 * times in a row is removed. Says whether that is so; undefined when the message is in other hands by now.
 */
export async function buryWakeUp(
  client: PoolClient,
  wakeUp: TakenWakeUp,
  letter: Omit<DeadLetter, 'deviceId' | 'principal'> & {
    readonly nowMs: number;
    readonly mostFailures: number;
  },
): Promise<{ readonly removed: boolean } | undefined> {
  const { device, lease } = wakeUp;
  const { rowCount } = await client.query(
    'DELETE FROM push.device_wakeups WHERE device = $1 AND due_at = $2::timestamptz',
    [device.id, lease],
  );
  if (rowCount === 0) return undefined;
  await client.query(
    `INSERT INTO push.dead_letters (device, principal, reason, attempts, first_at, given_up_at)
     VALUES ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), to_timestamp($6::float8 / 1000))`,
    [device.id, device.principal, letter.reason, letter.attempts, letter.firstAt, letter.nowMs],
  );
  const { rows } = await client.query<{ failures: number }>(
    'UPDATE push.devices SET failures = failures + 1 WHERE id = $1 RETURNING failures',
    [device.id],
  );
  if ((rows[0]?.failures ?? 0) < letter.mostFailures) return { removed: false };
  await client.query('DELETE FROM push.devices WHERE id = $1', [device.id]);
  return { removed: true };
}

/** Forgets up to `limit` messages that were given up before a time. */
export async function forgetDeadLetters(pool: Pool, beforeMs: number, limit: number): Promise<void> {
  await pool.query(
    `DELETE FROM push.dead_letters WHERE id IN (
       SELECT id FROM push.dead_letters WHERE given_up_at < to_timestamp($1::float8 / 1000) ORDER BY given_up_at LIMIT $2)`,
    [beforeMs, limit],
  );
}
