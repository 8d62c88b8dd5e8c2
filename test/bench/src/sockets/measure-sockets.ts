import type { MemoryFigures } from './process-heap.ts';
import type { SocketReport } from './socket-orders.ts';
import type { Peer } from './socket-peers.ts';
import { planBroadcasts, writeWhenDue } from './socket-writes.ts';
import type { SocketWrite } from './view-classes.ts';

const PATIENCE_MS = 20_000;
const WARM_UP_SOCKETS = 100;
const WARM_UP_WRITES = 50;

/** What it took to bring the sockets up, and what they cost while nothing happens. */
export interface IdleFigures {
  readonly perSecond: number;
  readonly openSeconds: number;
  readonly openCpuMsEach: number;
  readonly kilobytesEach: number;
  readonly heapKilobytesEach: number;
  /** CPU of pings and heartbeats. */
  readonly cpuSecondsPerMinute: number;
  readonly pings: number;
  readonly heartbeats: number;
  readonly refused: number;
  readonly faults: readonly string[];
}

/** One round of writes. */
export interface DeliveryFigures {
  readonly report: SocketReport;
  readonly cpuSecondsPerMillion: number;
  readonly cpuSeconds: number;
}

/** Compiles what will be measured, so that the memory of the first sockets is not that of the compiler. */
export async function warmUp(peer: Peer): Promise<void> {
  await peer.open(WARM_UP_SOCKETS);
  await measureWrites(peer, planBroadcasts(WARM_UP_WRITES, WARM_UP_WRITES));
  await peer.load.order({ type: 'close' });
}

/** Opens the sockets of all peers, one peer after the other, then leaves all of them alone for a while. */
export async function measureIdle(
  peers: readonly Peer[],
  sockets: number,
  seconds: number,
): Promise<readonly IdleFigures[]> {
  const opened: {
    peer: Peer;
    before: MemoryFigures;
    after: MemoryFigures;
    report: SocketReport;
    openCpuMsEach: number;
  }[] = [];
  for (const peer of peers) {
    const before = await peer.memory();
    const cpuSeconds = peer.cpuSeconds();
    const report = await peer.open(sockets);
    const openCpuMsEach = ((peer.cpuSeconds() - cpuSeconds) / sockets) * 1000;
    opened.push({ peer, before, after: await peer.memory(), report, openCpuMsEach });
  }
  const cpuBefore = peers.map((peer) => peer.cpuSeconds());
  await Promise.all(peers.map(({ load }) => load.order({ type: 'expect', writes: [] })));
  await new Promise((over) => {
    setTimeout(over, seconds * 1000);
  });
  const cpuAfter = peers.map((peer) => peer.cpuSeconds());
  return Promise.all(
    opened.map(async ({ peer, before, after, report, openCpuMsEach }, index) => {
      const quiet = await peer.load.order({ type: 'wait', patienceMs: 0 });
      return {
        perSecond: sockets / report.openSeconds,
        openSeconds: report.openSeconds,
        openCpuMsEach,
        kilobytesEach: (after.resident - before.resident) / sockets,
        heapKilobytesEach: (after.heap - before.heap) / sockets,
        cpuSecondsPerMinute: (((cpuAfter[index] ?? 0) - (cpuBefore[index] ?? 0)) / seconds) * 60,
        pings: quiet.pings,
        heartbeats: quiet.heartbeats,
        refused: Object.values(report.refused).reduce((sum, count) => sum + count, 0),
        faults: [...report.faults, ...quiet.faults],
      };
    }),
  );
}

/** Writes, and waits until every socket has what it should have. */
export async function measureWrites(peer: Peer, writes: readonly SocketWrite[]): Promise<DeliveryFigures> {
  await peer.load.order({ type: 'expect', writes });
  const before = peer.cpuSeconds();
  await writeWhenDue(writes, peer.write);
  const report = await peer.load.order({ type: 'wait', patienceMs: PATIENCE_MS });
  const cpuSeconds = peer.cpuSeconds() - before;
  return { report, cpuSeconds, cpuSecondsPerMillion: (cpuSeconds / report.deliveries) * 1e6 };
}
