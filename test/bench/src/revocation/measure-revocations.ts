import type { Platform } from '@tidewire/test-kit';
import { nowUs } from '../bench-town.ts';
import { startLocalIssuer } from '../../../support/issuer.ts';
import { READERS_PER_TEAM, TEAMS, buildRevocationTown, writeSteadily } from './revocation-town.ts';
import type { RevocationTown } from './revocation-town.ts';
import { listRevocations } from './revocations.ts';
import type { Revocation } from './revocations.ts';
import type { WatchAnswer, Watched } from './watch-plan.ts';
import { startWatchProcess } from './watch-process.ts';
import type { WatchProcess } from './watch-process.ts';

/** Streams per credential. */
const STREAMS_EACH = 10;
/** Whoever is not told by then is reported as not told. */
const PATIENCE_MS = 5000;
/** How long after everybody was told an event is still looked for. */
const AFTERMATH_MS = 200;

export interface RevocationFigures {
  readonly name: string;
  readonly streams: number;
  /** Milliseconds from the answer of the call to the last byte of an event under the old rights; 0: none came after it. */
  readonly lastEventMs: readonly number[];
  /** Milliseconds from the answer until the stream was told. */
  readonly toldMs: readonly number[];
  readonly faults: readonly string[];
}

/** Takes rights away, one kind after the other, while many streams get many events; sorted figures per kind. */
export async function* measureRevocations(
  platform: Platform,
  options: { readonly rounds: number; readonly rate: number },
): AsyncGenerator<RevocationFigures> {
  const [gateway] = platform.gateways;
  if (gateway === undefined) throw new Error('there is no gateway');
  await using issuer = await startLocalIssuer();
  const town = await buildRevocationTown(platform.origin, platform.adminToken);
  const watch = startWatchProcess(gateway.url);
  const stop = new AbortController();
  let row: string | undefined;
  const writing = writeSteadily(platform, town, {
    rate: options.rate,
    signal: stop.signal,
    ownRow: () => row,
  });
  try {
    await openAll(watch, town);
    for (const revocation of listRevocations(platform.origin, town, issuer)) {
      yield await measureKind(
        { watch, town, rounds: options.rounds, setRow: (next) => (row = next) },
        revocation,
      );
    }
  } finally {
    stop.abort();
    await writing;
    watch.stop();
  }
}

interface Scene {
  readonly watch: WatchProcess;
  readonly town: RevocationTown;
  readonly rounds: number;
  readonly setRow: (uuid: string | undefined) => void;
}

async function measureKind(scene: Scene, { name, round }: Revocation): Promise<RevocationFigures> {
  const { watch, rounds, setRow } = scene;
  const lastEventMs: number[] = [];
  const toldMs: number[] = [];
  const faults = new Set<string>();
  for (let index = 0; index < rounds; index += 1) {
    const { victims, own, row, revoke, restore } = await round(index);
    setRow(row);
    if (own !== undefined) await watch.order({ type: 'open', group: victims, count: STREAMS_EACH, ...own });
    if (!(await reach(watch, victims, ({ lastEventUs }) => lastEventUs > 0)))
      faults.add('some saw no event before');
    await revoke();
    const answeredUs = nowUs();
    const { streams, bystandersTold } = await reportOf(watch, victims);
    for (const { lastEventUs, toldUs, eventsAfter } of streams) {
      lastEventMs.push(Math.max(0, lastEventUs - answeredUs) / 1000);
      if (toldUs === undefined) faults.add('some were not told');
      else toldMs.push(Math.max(0, toldUs - answeredUs) / 1000);
      if (eventsAfter > 0) faults.add('events after they were told');
    }
    if (bystandersTold > 0) faults.add(`${bystandersTold} others were disturbed`);
    setRow(undefined);
    await watch.order({ type: 'close', group: victims });
    await restore();
    if (own === undefined) await openAll(watch, scene.town, victims);
  }
  const ascending = (a: number, b: number): number => a - b;
  return {
    name,
    streams: lastEventMs.length,
    lastEventMs: lastEventMs.toSorted(ascending),
    toldMs: toldMs.toSorted(ascending),
    faults: [...faults],
  };
}

/** What the streams saw, once all of them were told and a while more. */
async function reportOf(watch: WatchProcess, group: string): Promise<WatchAnswer> {
  await reach(watch, group, ({ toldUs }) => toldUs !== undefined);
  await pause(AFTERMATH_MS);
  return watch.order({ type: 'report', group });
}

/** Whether all streams of the group come that far in time. */
async function reach(
  watch: WatchProcess,
  group: string,
  isThere: (stream: Watched) => boolean,
): Promise<boolean> {
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await pause(10)) {
    const { streams } = await watch.order({ type: 'report', group });
    if (streams.every(isThere)) return true;
  }
  return false;
}

/** Opens what is open all the time: of every reader, or of those whose group's name begins as said. */
async function openAll(watch: WatchProcess, town: RevocationTown, prefix = ''): Promise<void> {
  for (const [index, { team, token }] of town.readers.entries()) {
    const group = `${team}/${index % READERS_PER_TEAM}/`;
    if (!group.startsWith(prefix)) continue;
    const path = `/api/realtime/subscribe?topic=${town.topic(team)}`;
    const header = `authorization: Bearer ${token}\r\n`;
    await watch.order({ type: 'open', group, count: STREAMS_EACH, path, header });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}

/** How many streams are open all the time. */
export const REVOCATION_STREAMS = TEAMS * READERS_PER_TEAM * STREAMS_EACH;
