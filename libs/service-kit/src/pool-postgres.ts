import { TidewireError } from '@tidewire/contract';
import { DatabaseError, Pool, types as builtinTypes } from 'pg';
import type { CustomTypesConfig, PoolClient } from 'pg';
import type { Logger } from './logger.ts';

export type { Pool, PoolClient };

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Shown in `pg_stat_activity`. */
  readonly service: string;
  readonly logger: Logger;
  /** Connections at most; 10 when absent. */
  readonly maxConnections?: number;
  /** A statement that runs longer is cancelled by the server; 30 s when absent. */
  readonly statementTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_CONNECTION_MS = 30_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A transaction that its owner forgot would keep the outbox from being cleaned. */
const IDLE_TRANSACTION_TIMEOUT_MS = 15_000;
/** The client gives up shortly after the server should have: a host that vanished does not answer at all. */
const CLIENT_GRACE_MS = 5_000;

const INT8: number = builtinTypes.builtins.INT8;
/** `bigint` columns are versions and sequences, far below 2^53; anything above is a fault, not a rounded number. */
const types: CustomTypesConfig = {
  getTypeParser: (id: number, format?: 'text' | 'binary') =>
    id === INT8 ? parseBigint : builtinTypes.getTypeParser(id, format),
};

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database is not a safe integer');
  return value;
}

/**
 * A pool of connections with a limit on everything that could wait for ever. `bigint` is read as a number. A
 * connection that breaks, idle or lent out, is logged and replaced; it does not end the process.
 */
export function createPool(options: PoolOptions): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = new Pool({
    connectionString: options.databaseUrl,
    application_name: `tidewire-${options.service}`,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + CLIENT_GRACE_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types,
  });
  // A connection may break while it is lent out, between two statements: without a listener of its own, that would end
  // the process. Whoever holds it learns from its next statement.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.logger.warn('database connection lost', { error }));
  });
  // The pool repeats the error of an idle connection; it has been logged above.
  pool.on('error', () => undefined);
  return pool;
}

/** Classes of SQLSTATE that say "not now": connection, rolled back for another's sake, resources, operator. */
const UNAVAILABLE_CLASSES = new Set(['08', '40', '53', '57']);
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EPIPE',
]);
/** `pg` reports these without a code. */
const CONNECTION_MESSAGE =
  /^(?:timeout exceeded when trying to connect|connection terminated|query read timeout)/i;

/** Whether an error says that the database cannot be reached or will not serve now, as opposed to a wrong statement. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  if (typeof code !== 'string') return CONNECTION_MESSAGE.test(error.message);
  if (error instanceof DatabaseError) return UNAVAILABLE_CLASSES.has(code.slice(0, 2));
  return NETWORK_CODES.has(code);
}

/** Seconds after which a client may ask again. */
const RETRY_AFTER_SECONDS = 2;

/** The error a client gets while the database is away; undefined for every other error. */
export function unavailableError(error: unknown): TidewireError | undefined {
  if (!isDatabaseUnavailable(error)) return undefined;
  return new TidewireError('SERVICE_UNAVAILABLE', 'The database is not available at the moment.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause: error,
  });
}

/**
 * Runs `work`; a database that is away becomes `SERVICE_UNAVAILABLE`, so that whoever asked over the bus knows that
 * it may ask again. HTTP routes need no such thing: the server maps it.
 */
export async function outageAsUnavailable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw unavailableError(error) ?? error;
  }
}
