import { randomUUID } from 'node:crypto';
import pg from 'pg';

interface SqlWriterOptions {
  readonly databaseUrl: string;
  readonly schemaId: string;
  readonly organisation: string;
  readonly rate: number;
  readonly signal: AbortSignal;
}

/** Inserts, updates and deletes rows with plain SQL, some of them asynchronously committed, until told to stop. */
export async function writeSqlSteadily(options: SqlWriterOptions): Promise<number> {
  const rows: string[] = [];
  let written = 0;
  let client: pg.Client | undefined;
  const started = performance.now();
  for (let turn = 0; !options.signal.aborted; turn += 1) {
    const due = started + (turn / options.rate) * 1000;
    await new Promise((wake) => {
      setTimeout(wake, Math.max(0, due - performance.now()));
    });
    try {
      client ??= await connect(options.databaseUrl);
      await writeOnce(client, options, rows, turn);
      written += 1;
    } catch {
      // The server was killed: connect again at the next turn.
      await client?.end().catch(() => undefined);
      client = undefined;
    }
  }
  await client?.end();
  return written;
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 2000,
    query_timeout: 5000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function writeOnce(
  client: pg.Client,
  options: SqlWriterOptions,
  rows: string[],
  turn: number,
): Promise<void> {
  const asynchronous = turn % 3 === 0;
  await client.query(`set synchronous_commit = ${asynchronous ? 'off' : 'on'}`);
  const target = rows[turn % Math.max(1, rows.length)];
  if (target === undefined || turn % 2 === 0) {
    const uuid = randomUUID();
    await client.query(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select $1, register_id, id, $3, null, $4 from records.schemas where id = $2`,
      [uuid, options.schemaId, options.organisation, { titel: `sql ${turn}`, status: 'nieuw' }],
    );
    rows.push(uuid);
  } else if (rows.length > 40) {
    await client.query('delete from records.objects where uuid = $1', [target]);
    rows.splice(rows.indexOf(target), 1);
  } else {
    await client.query(`update records.objects set properties = properties || $2 where uuid = $1`, [
      target,
      { titel: `sql ${turn}`, status: turn % 4 === 1 ? 'vertrouwelijk' : 'nieuw' },
    ]);
  }
}
