// Started once per run of tests, as a process of its own: starts what the run shares, and when the run is over, by
// whatever end, stops every server that was started for it and removes its folder.
//
//   node keeper.ts FOLDER PID-OF-THE-TEST-RUNNER
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeProcess, removePostgresData, stopLeftover } from '@tidewire/local';
import type { SharedServer } from './test-run.ts';
import { startSharedPostgres } from './shared-postgres.ts';

const [folder = '', watched = ''] = process.argv.slice(2);
const watchedPid = Number(watched);
const watchedStart = describeProcess(watchedPid)?.startMark;
const pollMs = 50;

const starters: Record<
  SharedServer,
  (folder: string) => Promise<{ answer: unknown; stop(): Promise<void> }>
> = {
  postgres: startSharedPostgres,
};
const stops: (() => Promise<void>)[] = [];

function runIsOver(): boolean {
  return watchedStart === undefined || describeProcess(watchedPid)?.startMark !== watchedStart;
}

/** In one step, so that a reader never sees half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

async function startWanted(server: SharedServer): Promise<void> {
  rmSync(join(folder, `${server}.wanted`));
  try {
    const { answer, stop } = await starters[server](folder);
    stops.push(stop);
    writeWhole(join(folder, `${server}.json`), JSON.stringify(answer));
  } catch (error) {
    writeWhole(join(folder, `${server}.failed`), (error as Error).message);
  }
}

/** The process that a server wrote down in `file`, if it did. */
function readPid(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}

/** Servers of single tests whose worker was killed before it could stop them, and data that lies outside the folder. */
async function stopOrphans(): Promise<void> {
  for (const name of readdirSync(folder)) {
    const place = join(folder, name);
    const pointer = join(place, 'postgres-location');
    const outside = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : undefined;
    const postgresPlace = outside ?? place;
    const natsPid = readPid(join(place, 'nats-server.pid'));
    const postgresPid = readPid(join(postgresPlace, 'cluster', 'postmaster.pid'));
    try {
      if (natsPid !== undefined) await stopLeftover(natsPid, place, 'SIGTERM');
      if (postgresPid !== undefined) await stopLeftover(postgresPid, postgresPlace, 'SIGINT');
    } catch (error) {
      console.error(error); // the others still want to be stopped
    }
    removePostgresData(place);
  }
}

while (!runIsOver()) {
  for (const server of Object.keys(starters) as SharedServer[]) {
    const answered =
      existsSync(join(folder, `${server}.json`)) || existsSync(join(folder, `${server}.failed`));
    if (!answered && existsSync(join(folder, `${server}.wanted`))) await startWanted(server);
  }
  await delay(pollMs);
}
for (const stop of stops) await stop();
await stopOrphans();
rmSync(folder, { recursive: true, force: true });
