// Starts a server and stays, for tests that kill this process from outside:
//   node start-and-stay.ts nats|postgres DATA-FOLDER        prints the server's process id and port
import { startNatsServer } from '../src/nats/nats-server.ts';
import { startPostgresServer } from '../src/postgres/postgres-server.ts';

const [kind, dataFolder = ''] = process.argv.slice(2);
const server =
  kind === 'nats'
    ? await startNatsServer({ dataFolder, users: [{ user: 'operator', password: 'op-secret' }] })
    : await startPostgresServer({ dataFolder });
process.stdout.write(`${JSON.stringify({ pid: server.pid, port: server.port })}\n`);
setInterval(() => undefined, 60_000);
