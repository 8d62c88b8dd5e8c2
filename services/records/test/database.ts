import { createLogger, createPool } from '@tidewire/service-kit';
import type { Logger, Pool } from '@tidewire/service-kit';
import { startPostgres, waitFor } from '@tidewire/test-kit';
import type { TestDatabase } from '@tidewire/test-kit';

/** A logger that says nothing. */
export const silent: Logger = createLogger({ service: 'test', level: 'silent' });

/** A migrated database for the tests of this service. */
export interface RecordsTestDatabase extends AsyncDisposable {
  readonly urls: TestDatabase;
  /** Connections of the service's own role. */
  readonly records: Pool;
  /** Connections of the owner, who may look into the outbox. */
  readonly owner: Pool;
  /** Connections of an administrator, who sees what other sessions wait for. */
  readonly admin: Pool;
  /** The events of one object, register or schema that lie in the outbox, oldest first. */
  eventsOf(...keys: string[]): Promise<OutboxRow[]>;
  /** Resolves when a session waits for a lock: of this role, or with this process id. */
  untilWaiting(who: string | number): Promise<void>;
}

/** One row of the outbox as the tests look at it. */
export interface OutboxRow {
  readonly subject: string;
  readonly key: string;
  readonly message: Record<string, unknown>;
  readonly hasImages: boolean;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** An empty database with the migrations of relay and records. */
export async function openTestDatabase(): Promise<RecordsTestDatabase> {
  const urls = await startPostgres({ services: ['relay', 'records'] });
  const open = (databaseUrl: string, maxConnections: number): Pool =>
    createPool({ databaseUrl, service: 'test', logger: silent, maxConnections });
  const owner = open(urls.ownerUrl, 4);
  const records = open(urls.recordsUrl, 10);
  const admin = open(urls.adminUrl, 1);
  return {
    admin,
    urls,
    records,
    owner,
    eventsOf: async (...keys) => {
      const { rows } = await owner.query<OutboxRow>(
        `select subject, key, message::jsonb as message, images is not null as "hasImages",
           ('{' || images || '}')::jsonb -> 'before' as before, ('{' || images || '}')::jsonb -> 'after' as after
         from outbox.rows where key = any($1) order by id`,
        [keys],
      );
      return rows;
    },
    untilWaiting: async (who) => {
      const condition = typeof who === 'number' ? 'pid = $1' : 'usename = $1';
      await waitFor(
        async () => {
          const { rowCount } = await admin.query(
            `select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and ${condition}`,
            [who],
          );
          return rowCount !== 0;
        },
        { what: 'a session waits for a lock' },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([owner.end(), records.end(), admin.end()]);
      await urls[Symbol.asyncDispose]();
    },
  };
}
