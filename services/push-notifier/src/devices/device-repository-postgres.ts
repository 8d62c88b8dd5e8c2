import { DEVICE_LIMITS, TidewireError } from '@tidewire/contract';
import type { DeviceKind, DevicePatch, QuietHours } from '@tidewire/contract';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import type { Device } from './device.ts';
import type { CheckedSubscription } from './subscription.ts';

/** What is registered. Topics in their one spelling. */
export interface DeviceRegistration extends CheckedSubscription {
  readonly principal: string;
  readonly credential: string | null;
  readonly kind: DeviceKind;
  readonly name: string | null;
  readonly topics: readonly string[];
  readonly quietHours: QuietHours | null;
  readonly maxPerHour: number;
}

/** Which part of a list, and how long the whole is. */
export interface DevicePage {
  readonly results: readonly Device[];
  readonly total: number;
}

/** The columns of a {@link Device}, of `push.devices d`. */
export const DEVICE_COLUMNS = `d.id, d.principal, d.credential, d.kind, d.name, d.endpoint, d.host,
  jsonb_build_object('p256dh', d.p256dh, 'auth', d.auth) AS keys, d.topics,
  CASE WHEN d.quiet_zone IS NOT NULL THEN jsonb_build_object('from', to_char(d.quiet_from, 'HH24:MI'),
    'until', to_char(d.quiet_until, 'HH24:MI'), 'timeZone', d.quiet_zone) END AS "quietHours",
  d.max_per_hour AS "maxPerHour", (extract(epoch FROM d.created_at) * 1000)::float8 AS "createdAtMs",
  (extract(epoch FROM d.last_delivered_at) * 1000)::float8 AS "lastDeliveredAtMs", d.failures, d.version`;

const SQLSTATE_INVALID_PARAMETER = '22023';

/**
 * Registers a device of a follower, or replaces what the follower registered for the same endpoint before. Says whether it is
 * a new one.
 *
 * @throws TidewireError CONFLICT when it is somebody else's endpoint, or there are too many devices.
 */
export async function registerDevice(
  client: PoolClient,
  registration: DeviceRegistration,
): Promise<{ readonly device: Device; readonly isNew: boolean }> {
  const { principal, endpoint, quietHours } = registration;
  if (quietHours !== null) await requireKnownZone(client, quietHours.timeZone);
  // Whoever registers at the same time waits here, so that nobody counts what the other is about to add.
  await client.query('SELECT FROM push.followers WHERE principal = $1 FOR NO KEY UPDATE', [principal]);
  const { rows: others } = await client.query<{ count: number }>(
    'SELECT count(*) FROM push.devices WHERE principal = $1 AND endpoint <> $2',
    [principal, endpoint],
  );
  if ((others[0]?.count ?? 0) >= DEVICE_LIMITS.perPrincipal) {
    throw new TidewireError(
      'CONFLICT',
      `A principal has at most ${DEVICE_LIMITS.perPrincipal} devices: remove some first.`,
    );
  }
  const [row] = await upsert(client, registration);
  if (row === undefined) {
    // Whose it is is nobody's business, nor that it is somebody's.
    throw new TidewireError('CONFLICT', 'The endpoint cannot be registered: make another subscription.');
  }
  const { isNew, ...device } = row;
  if (!isNew) await hastenWakeUp(client, device.id);
  return { device, isNew };
}

async function upsert(
  client: PoolClient,
  registration: DeviceRegistration,
): Promise<readonly (Device & { readonly isNew: boolean })[]> {
  const { principal, credential, kind, name, endpoint, host, keys, topics, quietHours, maxPerHour } =
    registration;
  const { rows } = await client.query<Device & { isNew: boolean }>(
    `INSERT INTO push.devices AS d (principal, credential, kind, name, endpoint, host, p256dh, auth, topics,
       quiet_from, quiet_until, quiet_zone, max_per_hour)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT (endpoint) DO UPDATE SET credential = excluded.credential, kind = excluded.kind, name = excluded.name,
       p256dh = excluded.p256dh, auth = excluded.auth, topics = excluded.topics, quiet_from = excluded.quiet_from,
       quiet_until = excluded.quiet_until, quiet_zone = excluded.quiet_zone, max_per_hour = excluded.max_per_hour,
       failures = 0, version = d.version + 1
     WHERE d.principal = excluded.principal
     RETURNING ${DEVICE_COLUMNS}, d.version = 1 AS "isNew"`,
    [
      principal,
      credential,
      kind,
      name,
      endpoint,
      host,
      keys.p256dh,
      keys.auth,
      topics,
      quietHours?.from ?? null,
      quietHours?.until ?? null,
      quietHours?.timeZone ?? null,
      maxPerHour,
    ],
  );
  return rows;
}

/** The devices of a principal, the oldest first. */
export async function listDevices(
  pool: Pool,
  principal: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<DevicePage> {
  const { rows } = await pool.query<Device>(
    `SELECT ${DEVICE_COLUMNS} FROM push.devices d WHERE d.principal = $1 ORDER BY d.created_at, d.id`,
    [principal],
  );
  // There are no more than a page or two of them.
  return { results: rows.slice(offset, offset + limit), total: rows.length };
}

/** A device of this principal; undefined when there is none, or it is another's. */
export async function findDevice(pool: Pool, principal: string, id: string): Promise<Device | undefined> {
  const { rows } = await pool.query<Device>(
    `SELECT ${DEVICE_COLUMNS} FROM push.devices d WHERE d.id = $2 AND d.principal = $1`,
    [principal, id],
  );
  return rows[0];
}

/** Changes what is named of a device; undefined when there is none of this principal. */
export async function updateDevice(
  client: PoolClient,
  { principal, id }: { readonly principal: string; readonly id: string },
  patch: DevicePatch,
): Promise<Device | undefined> {
  const { name, topics, quietHours, maxPerHour } = patch;
  if (quietHours !== undefined && quietHours !== null) await requireKnownZone(client, quietHours.timeZone);
  const { rows } = await client.query<Device>(
    `UPDATE push.devices d SET
       name = CASE WHEN $3 THEN $4 ELSE d.name END,
       topics = coalesce($5::text[], d.topics),
       quiet_from = CASE WHEN $6 THEN $7::time ELSE d.quiet_from END,
       quiet_until = CASE WHEN $6 THEN $8::time ELSE d.quiet_until END,
       quiet_zone = CASE WHEN $6 THEN $9 ELSE d.quiet_zone END,
       max_per_hour = coalesce($10::int, d.max_per_hour),
       version = d.version + 1
     WHERE d.id = $2 AND d.principal = $1
     RETURNING ${DEVICE_COLUMNS}`,
    [
      principal,
      id,
      name !== undefined,
      name ?? null,
      topics ?? null,
      quietHours !== undefined,
      quietHours?.from ?? null,
      quietHours?.until ?? null,
      quietHours?.timeZone ?? null,
      maxPerHour ?? null,
    ],
  );
  const [device] = rows;
  if (device !== undefined) await hastenWakeUp(client, id);
  return device;
}

/** Removes a device of this principal with what it was to be told. False when there is none. */
export async function removeDevice(pool: Pool, principal: string, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('DELETE FROM push.devices WHERE id = $2 AND principal = $1', [
    principal,
    id,
  ]);
  return rowCount === 1;
}

/** Removes a device unless its owner has changed it since. */
export async function removeUnchanged(
  pool: Pool,
  { id, version }: Pick<Device, 'id' | 'version'>,
): Promise<boolean> {
  const { rowCount } = await pool.query('DELETE FROM push.devices WHERE id = $1 AND version = $2', [
    id,
    version,
  ]);
  return rowCount === 1;
}

/** Notes that a device is tested, unless it was less than `stepMs` ago: false then. */
export async function recordTest(pool: Pool, id: string, nowMs: number, stepMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE push.devices SET tested_at = to_timestamp($2::float8 / 1000)
     WHERE id = $1 AND (tested_at IS NULL OR tested_at <= to_timestamp(($2::float8 - $3::float8) / 1000))`,
    [id, nowMs, stepMs],
  );
  return rowCount === 1;
}

/** What waits for the end of quiet hours, or for another try at an old endpoint, goes by what is written there now. */
async function hastenWakeUp(client: PoolClient, id: string): Promise<void> {
  await client.query(
    `UPDATE push.device_wakeups w SET due_at = push.wake_at(d, clock_timestamp()), attempt = 0, first_at = NULL
     FROM push.devices d WHERE d.id = $1 AND w.device = d.id`,
    [id],
  );
}

/** The database knows some zones less than browsers do. @throws TidewireError VALIDATION_ERROR */
async function requireKnownZone(client: PoolClient, zone: string): Promise<void> {
  try {
    await client.query('SELECT clock_timestamp() AT TIME ZONE $1', [zone]);
  } catch (error) {
    if ((error as { code?: unknown }).code !== SQLSTATE_INVALID_PARAMETER) throw error;
    const [field, message] = ['/quietHours/timeZone', 'is a time zone that is not known here'];
    throw new TidewireError('VALIDATION_ERROR', `timeZone ${message}.`, {
      errors: [{ field, message }],
      cause: error,
    });
  }
}
