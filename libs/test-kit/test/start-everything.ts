// Starts one of each server as a test would, prints their ports and stays, to be killed from outside.
import { startNats } from '../src/nats.ts';
import { startPostgres, startPostgresAlone } from '../src/postgres.ts';
import { testRun } from '../src/test-run.ts';

const nats = await startNats();
const alone = await startPostgresAlone();
const shared = await startPostgres();
const ports = [nats.port, alone.port, Number(new URL(shared.adminUrl).port)];
process.stdout.write(`${JSON.stringify({ ports, folder: testRun().folder })}\n`);
setInterval(() => undefined, 60_000);
