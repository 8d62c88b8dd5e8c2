// Starts one of each server as a test would, prints their process ids and stays, to be killed from outside.
import { withDatabase } from '@tidewire/local';
import { startNats } from '../src/nats.ts';
import { startPostgres, startPostgresAlone } from '../src/postgres.ts';
import { testRun } from '../src/test-run.ts';

const nats = await startNats();
const alone = await startPostgresAlone();
const shared = await startPostgres();
const sharedPid = await withDatabase(shared.adminUrl, async (client) => {
  const { rows } = await client.query<{ file: string }>("SELECT pg_read_file('postmaster.pid') AS file");
  return Number(rows[0]?.file.split('\n')[0]);
});
process.stdout.write(
  `${JSON.stringify({ pids: [nats.pid, alone.pid, sharedPid], folder: testRun().folder })}\n`,
);
setInterval(() => undefined, 60_000);
