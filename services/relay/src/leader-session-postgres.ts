import type { Logger } from '@tidewire/service-kit';
import { Client, DatabaseError } from 'pg';
import type { QueryResultRow } from 'pg';

/**
 * The one connection of a process that wants to lead or leads: the advisory lock lives and dies with it. It must be a
 * direct connection; a pooler refuses its start-up settings, which is what is wanted.
 */
export interface LeaderSession {
  /** Aborts as soon as the connection is known to be gone. */
  readonly lost: AbortSignal;
  /** Takes the lock if nobody has it. */
  tryLead(): Promise<boolean>;
  /** @throws when the connection is gone or does not answer within three seconds; it is closed then. */
  query<Row extends QueryResultRow>(statement: Statement, values?: unknown[]): Promise<Row[]>;
  /** Shows the server that this process is alive. Never throws. */
  touch(): Promise<void>;
  /** Gives the lock back by ending the connection. Never throws. */
  close(): Promise<void>;
}

/** A statement with a name is prepared once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** How long the answer may take; three seconds when absent. */
  readonly query_timeout?: number;
}

/** Any number that nobody else locks in this database. */
const LOCK_KEY = 7_220_114_903;
const TIMEOUT_MS = 3000;

/**
 * When this host vanishes, the server has to notice: after two seconds of silence it asks every two seconds, three
 * times; data that nobody acknowledges for six seconds ends the session too. A process that stands still keeps its
 * kernel answering, so a session that asks nothing for five seconds is ended as well: the leader asks ten times a
 * second. Scans are always wanted by index: the table's statistics say nothing about the next second.
 */
const SESSION_SETTINGS = {
  tcp_keepalives_idle: '2',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '6000',
  idle_session_timeout: '5000',
  synchronous_commit: 'on',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  jit: 'off',
};

/** Connects. @throws when the database is not there. */
export async function openLeaderSession(databaseUrl: string, logger: Logger): Promise<LeaderSession> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'tidewire-relay',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 2000,
    options: Object.entries(SESSION_SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  });
  const lost = new AbortController();
  const lose = (error?: Error): void => {
    if (lost.signal.aborted) return;
    if (error !== undefined) logger.warn('database connection of the relay lost', { error });
    lost.abort();
  };
  client.on('error', lose);
  client.on('end', () => lose());
  try {
    await client.connect();
  } catch (error) {
    abandon(client);
    throw error;
  }

  const send = async <Row extends QueryResultRow>(
    statement: Statement,
    values: unknown[],
  ): Promise<Row[]> => {
    if (lost.signal.aborted) throw new Error('the database connection of the relay is closed');
    try {
      const { rows } = await client.query<Row>({ ...statement, values });
      return rows;
    } catch (error) {
      // After a time-out the answer may still come: this connection can never be trusted with a next statement.
      if (!(error instanceof DatabaseError)) {
        lose(error as Error);
        abandon(client);
      }
      throw error;
    }
  };
  let previous: Promise<unknown> = Promise.resolve();
  // One statement at a time: a time-out must count from when a statement is sent, not from when it began to wait.
  const query = async <Row extends QueryResultRow>(
    statement: Statement,
    values: unknown[] = [],
  ): Promise<Row[]> => {
    const answer = previous.then(() => send<Row>(statement, values));
    previous = answer.catch(() => undefined);
    return await answer;
  };

  return {
    lost: lost.signal,
    tryLead: async () => {
      const [row] = await query<{ locked: boolean }>({
        name: 'lock',
        text: `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS locked`,
      });
      return row?.locked === true;
    },
    query,
    touch: async () => {
      await query({ name: 'touch', text: 'SELECT' }).catch(() => undefined);
    },
    close: async () => {
      lost.abort();
      // An orderly end tells the server at once; one that hangs must not keep us.
      const ended = client.end().catch(() => undefined);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      abandon(client);
    },
  };
}

/** Cuts the socket: `end` waits for a server that may never answer. */
function abandon(client: Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
  connection?.stream?.destroy();
}
