// Started once per run of tests, as a process of its own: starts what the run shares, and when the run is over, by
// whatever end, stops every server that was started for it and removes its folder.
//
//   node keeper.ts FOLDER PID-OF-THE-TEST-RUNNER
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeProcess, openProcessRecord, removePostgresData, stopLeftover } from '@tidewire/local';
import { chooseServerKind } from './server-kind.ts';
import type { ServerKind } from './test-run.ts';
import { startPreparedPostgres } from './shared-postgres.ts';
import type { PostgresAccess } from './shared-postgres.ts';
import type { SharedThing } from './test-run.ts';

const [folder = '', watched = ''] = process.argv.slice(2);
const watchedPid = Number(watched);
const watchedStart = describeProcess(watchedPid)?.startMark;
const pollMs = 50;

const atTheEnd: (() => Promise<void>)[] = [];
let chosen: Promise<ServerKind> | undefined;

async function kind(): Promise<ServerKind> {
  chosen ??= chooseServerKind().then((choice) => {
    if (choice.containers) {
      atTheEnd.push(async () => (await import('./container-servers.ts')).removeContainers(folder));
    }
    return choice;
  });
  return chosen;
}

async function postgres(): Promise<PostgresAccess> {
  const { server, adminUrl, passwords } = await startPreparedPostgres(await kind(), folder);
  atTheEnd.push(() => server.stop());
  return { adminUrl, passwords };
}

async function platform(): Promise<unknown> {
  const { startPlatformForAll } = await import('./shared-platform.ts');
  const started = await startPlatformForAll();
  atTheEnd.push(() => started.stop());
  return started.facts;
}

const providers: Record<SharedThing, () => Promise<unknown>> = { kind, postgres, platform };

/** Into keeper.log. */
function note(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

function runIsOver(): boolean {
  return watchedStart === undefined || describeProcess(watchedPid)?.startMark !== watchedStart;
}

/** In one step, so that a reader never sees half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

async function provide(thing: SharedThing): Promise<void> {
  try {
    writeWhole(join(folder, `${thing}.json`), JSON.stringify(await providers[thing]()));
  } catch (error) {
    writeWhole(join(folder, `${thing}.failed`), (error as Error).message);
  }
}

/** The process that a server wrote down in `file`, if it did. */
function readPid(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}

/** Stops what runs on one data folder, of a server or of a whole platform. */
async function stopOrphan(place: string): Promise<void> {
  const pointer = join(place, 'postgres-location');
  const postgresPlace = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : place;
  const natsPid = readPid(join(place, 'nats-server.pid'));
  const postgresPid = readPid(join(postgresPlace, 'cluster', 'postmaster.pid'));
  try {
    await openProcessRecord(join(place, 'processes.json')).stopLeftovers();
    if (natsPid !== undefined) await stopLeftover(natsPid, place, 'SIGTERM');
    if (postgresPid !== undefined) await stopLeftover(postgresPid, postgresPlace, 'SIGINT');
  } catch (error) {
    note(error); // the others still want to be stopped
  }
}

/** Servers and services of single tests whose worker was killed before it could stop them. */
async function stopOrphans(): Promise<void> {
  for (const name of readdirSync(folder)) {
    const whole = join(folder, name, 'data');
    const places = [whole, join(whole, 'nats'), join(whole, 'postgres'), join(folder, name)];
    const existing = places.filter((place) => existsSync(place));
    for (const place of existing) await stopOrphan(place);
    for (const place of existing) removePostgresData(place);
  }
}

while (!runIsOver()) {
  for (const thing of Object.keys(providers) as SharedThing[]) {
    const provided = existsSync(join(folder, `${thing}.json`)) || existsSync(join(folder, `${thing}.failed`));
    if (!provided && existsSync(join(folder, `${thing}.wanted`))) await provide(thing);
  }
  await delay(pollMs);
}
for (const end of atTheEnd.toReversed()) await end().catch(note);
await stopOrphans();
rmSync(folder, { recursive: true, force: true });
