import type { Actor } from '@tidewire/contract';
import type { Pool, PoolClient } from 'pg';

/** Who caused the writes of a transaction, for the events that its triggers make. */
export interface Provenance {
  readonly actor: Actor;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
}

/** The isolation of a transaction that reads more than once and must see one state. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions {
  readonly provenance?: Provenance;
  readonly isolation?: Isolation;
  readonly readOnly?: boolean;
}

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. `provenance` is set inside
 * the transaction only, so it never sticks to a pooled connection. Nothing is retried.
 */
export async function inTransaction<Result>(
  pool: Pool,
  options: TransactionOptions,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(beginStatement(options));
    if (options.provenance !== undefined) await setProvenance(client, options.provenance);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      // A connection that cannot even roll back is not given to the next one.
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`;
  return `BEGIN${level}${readOnly === true ? ' READ ONLY' : ''}`;
}

/** Says who causes what the current transaction writes; for a `work` that learns it only inside the transaction. */
export async function setProvenance(client: PoolClient, provenance: Provenance): Promise<void> {
  await client.query(
    `SELECT set_config('tidewire.actor', $1, true), set_config('tidewire.correlation_id', $2, true),
            set_config('tidewire.traceparent', $3, true)`,
    [JSON.stringify(provenance.actor), provenance.correlationId ?? '', provenance.traceparent ?? ''],
  );
}
