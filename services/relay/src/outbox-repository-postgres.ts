import type { LogPosition } from '@tidewire/contract';
import type { LeaderSession, Statement } from './leader-session-postgres.ts';
import { StateConflictError } from './outbox-repository.ts';
import type { FetchLimits, FetchedRows, OutboxRepository, RelayState } from './outbox-repository.ts';

const READ_STATE: Statement = {
  name: 'read-state',
  text: 'SELECT epoch, sequence, row_uuid FROM outbox.relay_state',
};

/**
 * Bytes are summed before any text is fetched. WAL positions are compared after the snapshot was taken: whatever is
 * visible in it had its commit record written before, so "inserted <= flushed" means that all of it is on disk. With
 * synchronous standbys the comparison says nothing about them: then never.
 */
const fetchFrom = (source: string): string => `
    SELECT f.id, f.uuid, f.xid::text AS xid, f.subject, f.message, f.images, f.found,
      extract(epoch FROM clock_timestamp() - f.written_at) * 1000 AS age_ms,
      EXISTS (SELECT FROM outbox.rows e WHERE e.key = f.key AND e.id <= $1) AS passes_earlier,
      (SELECT pg_current_wal_insert_lsn() <= pg_current_wal_flush_lsn()
        AND current_setting('synchronous_standby_names') = '') AS flushed
    FROM (
      SELECT r.*, sum(r.bytes) OVER (ORDER BY r.id) AS up_to, count(*) OVER () AS found
      FROM (${source}) r
    ) f
    WHERE f.up_to <= $3 OR f.up_to = f.bytes
    ORDER BY f.id`;

const FETCH: Statement = {
  name: 'fetch',
  text: fetchFrom('SELECT * FROM outbox.rows WHERE id > $1 ORDER BY id LIMIT $2'),
};

/** Looks at a bounded number of rows, so that thousands that have to wait cost the same every time. */
const FETCH_UNBLOCKED: Statement = {
  name: 'fetch-unblocked',
  text: fetchFrom(`
    SELECT * FROM (SELECT * FROM outbox.rows WHERE id > $1 ORDER BY id LIMIT 2000) w
    WHERE NOT EXISTS (SELECT FROM outbox.rows e WHERE e.key = w.key AND e.id <= $1)
    ORDER BY w.id LIMIT $2`),
};

/** Both read rows without an index for it; seldom, and then perhaps the whole of a large backlog. */
const SCAN_TIMEOUT_MS = 60_000;

const LAST_ID_OF: Statement = {
  name: 'last-id-of',
  text: 'SELECT max(id) AS id FROM outbox.rows WHERE xid = ANY ($1::text[]::xid8[])',
  query_timeout: SCAN_TIMEOUT_MS,
};

/** A commit record behind everything that is visible, and a commit waits until all before it is on disk. */
const FLUSH: Statement = {
  name: 'flush',
  text: `SELECT pg_logical_emit_message(true, 'tidewire', '')`,
};

const FIND_IDS: Statement = {
  name: 'find-ids',
  text: 'SELECT uuid, id FROM outbox.rows WHERE uuid = ANY ($1::uuid[])',
  query_timeout: SCAN_TIMEOUT_MS,
};

/** Raises unless exactly the rows and exactly the state were there, and so changes all or nothing. */
const COMMIT: Statement = {
  name: 'commit',
  text: `
    WITH gone AS (DELETE FROM outbox.rows WHERE id = ANY ($1::bigint[]) RETURNING 1),
    moved AS (
      UPDATE outbox.relay_state SET sequence = $4, row_uuid = $5 WHERE epoch = $2 AND sequence = $3 RETURNING 1
    )
    SELECT 1 / (
      (SELECT count(*) FROM gone) = cardinality($1::bigint[]) AND (SELECT count(*) FROM moved) = 1
    )::int`,
};

const START_EPOCH: Statement = {
  name: 'start-epoch',
  text: `
    UPDATE outbox.relay_state SET epoch = $3, sequence = $4, row_uuid = NULL
    WHERE epoch = $1 AND sequence = $2 RETURNING 1`,
};

const MEASURE: Statement = {
  name: 'measure',
  text: `
    SELECT s.n_live_tup AS live, s.n_dead_tup AS dead,
      (pg_snapshot_xmax(x)::text::bigint - pg_snapshot_xmin(x)::text::bigint) AS lag
    FROM pg_stat_all_tables s, pg_current_snapshot() x
    WHERE s.schemaname = 'outbox' AND s.relname = 'rows'`,
};

/** SQLSTATE of the division by zero in {@link COMMIT}. */
const DIVISION_BY_ZERO = '22012';

interface FetchedRecord {
  id: string;
  uuid: string;
  xid: string;
  subject: string;
  message: string;
  images: string | null;
  age_ms: string;
  passes_earlier: boolean;
  flushed: boolean;
  found: string;
}

export function createOutboxRepository(session: LeaderSession): OutboxRepository {
  return {
    readState: () => readState(session),
    fetchAfter: (id, limits) => fetchWith(session, FETCH, id, limits),
    fetchUnblockedAfter: (id, limits) => fetchWith(session, FETCH_UNBLOCKED, id, limits),
    findLastIdOf: async (xids) => {
      const [row] = await session.query<{ id: string | null }>(LAST_ID_OF, [xids]);
      return row === undefined || row.id === null ? undefined : Number(row.id);
    },
    flush: async () => {
      await session.query(FLUSH);
    },
    findIds: async (uuids) => {
      const rows = await session.query<{ uuid: string; id: string }>(FIND_IDS, [uuids]);
      return new Map(rows.map((row) => [row.uuid, Number(row.id)]));
    },
    commit: async ({ ids, from, to }) => {
      try {
        await session.query(COMMIT, [ids, from.epoch, from.sequence, to.sequence, to.rowUuid]);
      } catch (error) {
        if ((error as { code?: unknown }).code === DIVISION_BY_ZERO) throw new StateConflictError();
        throw error;
      }
    },
    startEpoch: (from, to) => startEpoch(session, from, to),
    measure: async () => {
      const [row] = await session.query<{ live: string; dead: string; lag: string }>(MEASURE);
      return {
        liveRows: Number(row?.live ?? 0),
        deadRows: Number(row?.dead ?? 0),
        oldestTransactionLag: Number(row?.lag ?? 0),
      };
    },
  };
}

async function readState(session: LeaderSession): Promise<RelayState> {
  const [row] = await session.query<{ epoch: string; sequence: string; row_uuid: string | null }>(READ_STATE);
  if (row === undefined) throw new Error('outbox.relay_state is empty: are the migrations applied?');
  return { epoch: row.epoch, sequence: Number(row.sequence), rowUuid: row.row_uuid };
}

async function fetchWith(
  session: LeaderSession,
  statement: Statement,
  id: number,
  limits: FetchLimits,
): Promise<FetchedRows> {
  const records = await session.query<FetchedRecord>(statement, [id, limits.rows, limits.bytes]);
  const found = Number(records[0]?.found ?? 0);
  return {
    rows: records.map((record) => ({
      id: Number(record.id),
      uuid: record.uuid,
      xid: record.xid,
      subject: record.subject,
      message: record.message,
      images: record.images,
      ageMs: Math.max(0, Number(record.age_ms)),
      passesEarlier: record.passes_earlier,
    })),
    flushed: records.every((record) => record.flushed),
    complete: found < limits.rows && found === records.length,
  };
}

async function startEpoch(session: LeaderSession, from: LogPosition, to: LogPosition): Promise<void> {
  const rows = await session.query(START_EPOCH, [from.epoch, from.sequence, to.epoch, to.sequence]);
  if (rows.length !== 1) throw new StateConflictError();
}
