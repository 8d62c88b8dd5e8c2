import { createHash } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { Clock, Pool } from '@tidewire/service-kit';
import { networkOf } from '../client-network.ts';

/** Attempts with a password that are allowed in a minute, if they fail. */
export interface AttemptLimits {
  /** For one name from one address. */
  readonly perUser: number;
  /** From one address, whatever the names. */
  readonly perAddress: number;
}

/**
 * Bounds how fast passwords can be guessed, over all replicas. Counted by address: nobody can lock somebody else out by
 * failing in their name from elsewhere.
 */
export interface AttemptLimit {
  /**
   * Counts an attempt, before it is known how it ends: many at once are many.
   *
   * @returns takes it back, for one that did not fail.
   * @throws TidewireError RATE_LIMITED with the seconds after which another attempt is allowed.
   */
  charge(user: string, address: string): Promise<() => Promise<void>>;
  /** Forgets those that have everything left. */
  sweep(): Promise<void>;
}

const MINUTE_MS = 60_000;
/** Rows that a sweep deletes at most. */
const BATCH = 1_000;

interface Source {
  readonly key: Buffer;
  /** What one attempt uses up. */
  readonly costMs: number;
}

export function createAttemptLimit(
  pool: Pool,
  clock: Pick<Clock, 'now'>,
  limits: AttemptLimits,
): AttemptLimit {
  const sourcesOf = (user: string, address: string): Source[] => {
    const network = networkOf(address);
    return [
      { key: keyOf('address', network), costMs: MINUTE_MS / limits.perAddress },
      { key: keyOf('user', network, user), costMs: MINUTE_MS / limits.perUser },
    ];
  };
  const refund = async (sources: readonly Source[]): Promise<void> => {
    for (const { key, costMs } of sources) {
      await pool.query(
        `UPDATE authz.login_attempts SET free_at = free_at - make_interval(secs => $2::float8 / 1000)
         WHERE source = $1`,
        [key, costMs],
      );
    }
  };
  return {
    async charge(user, address) {
      const charged: Source[] = [];
      for (const source of sourcesOf(user, address)) {
        const waitMs = await take(pool, source, clock.now());
        if (waitMs === 0) {
          charged.push(source);
          continue;
        }
        await refund(charged);
        throw new TidewireError('RATE_LIMITED', 'Too many attempts; try again later.', {
          retryAfterSeconds: Math.ceil(waitMs / 1000),
        });
      }
      return () => refund(charged);
    },
    async sweep() {
      await pool.query(
        `DELETE FROM authz.login_attempts WHERE source IN (
           SELECT source FROM authz.login_attempts WHERE free_at <= to_timestamp($1::float8 / 1000) LIMIT $2)`,
        [clock.now(), BATCH],
      );
    },
  };
}

/**
 * Takes one attempt, in one statement: a minute's worth is there at most and comes back with time. 0, or the
 * milliseconds until one is there.
 */
async function take(pool: Pool, { key, costMs }: Source, nowMs: number): Promise<number> {
  const { rowCount } = await pool.query(
    `INSERT INTO authz.login_attempts AS a (source, free_at)
     VALUES ($1, to_timestamp(($2::float8 + $3::float8) / 1000))
     ON CONFLICT (source) DO UPDATE
       SET free_at = greatest(a.free_at, to_timestamp($2::float8 / 1000)) + make_interval(secs => $3::float8 / 1000)
       WHERE greatest(a.free_at, to_timestamp($2::float8 / 1000)) + make_interval(secs => $3::float8 / 1000)
         <= to_timestamp(($2::float8 + $4::float8) / 1000)`,
    [key, nowMs, costMs, MINUTE_MS],
  );
  if (rowCount === 1) return 0;
  const { rows } = await pool.query<{ freeAtMs: number }>(
    `SELECT (extract(epoch FROM free_at) * 1000)::float8 AS "freeAtMs" FROM authz.login_attempts WHERE source = $1`,
    [key],
  );
  const freeAtMs = rows[0]?.freeAtMs ?? nowMs;
  return Math.max(1, freeAtMs + costMs - MINUTE_MS - nowMs);
}

/** A hash: names that are no principal's are passwords typed into the wrong field often enough. */
function keyOf(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
