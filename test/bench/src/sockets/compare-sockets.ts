import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { percentile, printRow } from '../print.ts';
import { measureIdle, measureWrites, warmUp } from './measure-sockets.ts';
import type { DeliveryFigures, IdleFigures } from './measure-sockets.ts';
import { HOW_TO_GET_NCHAN, startNchan } from './nchan.ts';
import { requireOpenFiles } from './open-files.ts';
import { createGatewayPeer, createNchanPeer } from './socket-peers.ts';
import type { Peer } from './socket-peers.ts';
import { startSocketProcess } from './socket-process.ts';
import { buildSocketTown } from './socket-town.ts';
import { planBroadcasts, planMixed } from './socket-writes.ts';
import type { SocketWrite } from './view-classes.ts';

export interface CompareSocketsOptions {
  readonly sockets: number;
  readonly socketsPerPrincipal: number;
  readonly rounds: number;
  /** How long a round of writes lasts. */
  readonly seconds: number;
  readonly idleSeconds: number;
}

/** Deliveries per second that are asked for: what one core manages with room to spare when every one is a write. */
const DELIVERIES_PER_SECOND = 20_000;
/** Sockets of the round in which events come often. */
const FEW_SOCKETS = 1000;
const OFTEN_PER_SECOND = 50;
const BURST = 100;
const DEFLATED_PER_SECOND = 20;

/** WebSockets in large numbers on one gateway with its own settings, beside nchan where that is installed. */
export async function compareSockets(options: CompareSocketsOptions): Promise<void> {
  const { sockets, socketsPerPrincipal, idleSeconds } = options;
  requireOpenFiles(sockets);
  await using platform = await startPlatform({
    gateways: 1,
    settings: {
      TIDEWIRE_MAX_CONNECTIONS: String(sockets * 2),
      TIDEWIRE_MAX_CONNECTIONS_PER_USER: String(socketsPerPrincipal),
    },
  });
  const principals = Math.ceil(sockets / socketsPerPrincipal);
  console.log(`\n${sockets} WebSockets of ${principals} principals on one gateway process`);
  const town = await buildSocketTown(platform, principals);
  await using nchan = await startNchan(sockets);
  if (nchan === undefined)
    console.log(`nchan is not installed, so there is nothing beside. ${HOW_TO_GET_NCHAN}`);
  using processes = new DisposableStack();
  const startLoad = (): ReturnType<typeof startSocketProcess> =>
    processes.adopt(startSocketProcess(), (load) => load.stop());
  const tidewire = createGatewayPeer(platform, town, startLoad());
  const peers = [tidewire, ...(nchan === undefined ? [] : [createNchanPeer(nchan, startLoad())])];
  for (const peer of peers) await warmUp(peer);

  const scene = { platform, peers, rounds: options.rounds };
  await printIdle(scene, sockets, idleSeconds);
  const rate = Math.max(1, Math.round(DELIVERIES_PER_SECOND / sockets));
  printDeliveryHead(sockets);
  await printDeliveries(scene, `${rate} events/s`, () => planBroadcasts(rate * options.seconds, rate));
  await printDeliveries(scene, `${BURST} events at once`, () => planBroadcasts(BURST, Infinity));
  await printDeliveries({ ...scene, peers: [tidewire] }, `${rate * 2} events/s, for some`, () =>
    planMixed(rate * 2 * options.seconds, rate * 2),
  );
  await reopen(platform, peers, Math.min(sockets, FEW_SOCKETS));
  printDeliveryHead(Math.min(sockets, FEW_SOCKETS));
  await printDeliveries(scene, `${OFTEN_PER_SECOND} events/s`, () =>
    planBroadcasts(OFTEN_PER_SECOND * options.seconds, OFTEN_PER_SECOND),
  );
  await printDeflate(platform, tidewire, options.seconds);
}

/** What is measured, and how often. */
interface Scene {
  readonly platform: Platform;
  readonly peers: readonly Peer[];
  readonly rounds: number;
}

async function printIdle({ platform, peers }: Scene, sockets: number, seconds: number): Promise<void> {
  const figures = await measureIdle(peers, sockets, seconds);
  const classes = await readMetric(platform, 'view_classes');
  printRow([`idle, ${classes} view classes`, ...peers.map(({ name }) => name)]);
  const print = (label: string, pick: (figure: IdleFigures) => string | number): void =>
    printRow([label, ...figures.map(pick)]);
  print('opened, sockets/s', ({ perSecond }) => Math.round(perSecond));
  print('  until all were subscribed, s', ({ openSeconds }) => openSeconds.toFixed(1));
  print('  CPU ms/socket', ({ openCpuMsEach }) => openCpuMsEach.toFixed(2));
  print('  told to come again', ({ refused }) => refused);
  print('resident memory, KB/socket', ({ kilobytesEach }) => kilobytesEach.toFixed(1));
  print('  of it objects (heap), KB', ({ heapKilobytesEach }) => shown(heapKilobytesEach));
  print('pings, heartbeats: CPU s/min', ({ cpuSecondsPerMinute }) => cpuSecondsPerMinute.toFixed(2));
  print(`  pings in ${seconds} s`, ({ pings }) => pings);
  print(`  heartbeats in ${seconds} s`, ({ heartbeats }) => heartbeats);
  print('', ({ faults }) => (faults.length === 0 ? 'all right' : faults.join(', ')));
}

function printDeliveryHead(sockets: number): void {
  printRow([
    `\nto ${sockets} sockets`,
    'deliveries',
    'per s',
    'CPU s/M',
    'first p50 ms',
    'last p50 ms',
    'last p99 ms',
    '',
  ]);
}

/** The peers in turn, several times: medians, and the median of the ratios of each turn. */
async function printDeliveries(
  { platform, peers, rounds }: Scene,
  label: string,
  plan: () => readonly SocketWrite[],
): Promise<void> {
  const found = new Map<Peer, DeliveryFigures[]>(peers.map((peer) => [peer, []]));
  const before = await readJoining(platform);
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of peers) found.get(peer)?.push(await measureWrites(peer, plan()));
  }
  for (const [{ name }, figures] of found) {
    const pooled = (pick: (figure: DeliveryFigures) => readonly number[]): number[] =>
      figures.flatMap(pick).toSorted((a, b) => a - b);
    printRow([
      `${label}, ${name}`,
      figures.reduce((sum, { report }) => sum + report.deliveries, 0),
      Math.round(median(figures.map(({ report }) => report.deliveries / report.seconds))),
      median(figures.map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)).toFixed(2),
      percentile(
        pooled(({ report }) => report.firstMs),
        0.5,
      ),
      percentile(
        pooled(({ report }) => report.lastMs),
        0.5,
      ),
      percentile(
        pooled(({ report }) => report.lastMs),
        0.99,
      ),
      faultsOf(figures),
    ]);
  }
  const after = await readJoining(platform);
  const joined = (after.deliveries - before.deliveries) / (after.writes - before.writes);
  printRow([`  events per write, ${peers[0]?.name}`, joined.toFixed(1)]);
  const [ours = [], theirs = []] = found.values();
  if (theirs.length === 0) return;
  const ratios = ours.map(
    (figure, round) => figure.cpuSecondsPerMillion / (theirs[round]?.cpuSecondsPerMillion ?? 1),
  );
  printRow(['  CPU, times that of nchan', '', '', median(ratios).toFixed(2)]);
}

function faultsOf(figures: readonly DeliveryFigures[]): string {
  const faults = figures.flatMap(({ report }) => [
    ...(report.deliveries === report.expected ? [] : [`${report.deliveries} of ${report.expected}`]),
    ...report.faults,
  ]);
  return faults.length === 0 ? 'all right' : faults.join(', ');
}

/** What compressing costs and saves: one socket of each class, events with a text of 2 KB. */
async function printDeflate(platform: Platform, peer: Peer, seconds: number): Promise<void> {
  printRow([
    '\n2 KB events, a socket per class',
    'bytes each',
    'encodings',
    'CPU ms/event',
    'CPU us/encoding',
    '',
  ]);
  const note = Array.from({ length: 250 }, (_, index) => `word${(index * 7919) % 1000}`)
    .join(' ')
    .slice(0, 2048);
  for (const deflate of [false, true, false, true]) {
    await reopen(platform, [peer], 100, deflate);
    const count = DEFLATED_PER_SECOND * seconds;
    const [bytes, encodings] = [
      await readMetric(platform, 'written_bytes_total'),
      await readMetric(platform, 'encodings_total'),
    ];
    const figures = await measureWrites(peer, planBroadcasts(count, DEFLATED_PER_SECOND, note));
    const { report, cpuSeconds } = figures;
    const encoded = (await readMetric(platform, 'encodings_total')) - encodings;
    printRow([
      deflate ? 'permessage-deflate' : 'plain',
      Math.round(((await readMetric(platform, 'written_bytes_total')) - bytes) / report.deliveries),
      (encoded / count).toFixed(1),
      ((cpuSeconds / count) * 1000).toFixed(2),
      ((cpuSeconds / encoded) * 1e6).toFixed(0),
      faultsOf([figures]),
    ]);
  }
}

/** Closes all sockets and opens others, when the gateway has taken note of that. */
async function reopen(
  platform: Platform,
  peers: readonly Peer[],
  sockets: number,
  deflate = false,
): Promise<void> {
  for (const { load } of peers) await load.order({ type: 'close' });
  while ((await readMetric(platform, 'connections')) > 0) await pause(100);
  await pause(RELEASE_MS);
  for (const peer of peers) await peer.open(sockets, deflate);
}

/** Until what a connection held is given back everywhere. */
const RELEASE_MS = 1000;

/** Events that come together leave in one write, which is what a delivery costs. Heartbeats are writes too. */
async function readJoining(platform: Platform): Promise<{ deliveries: number; writes: number }> {
  const [deliveries, writes, heartbeats] = await Promise.all(
    ['deliveries_total', 'writes_total', 'heartbeats_total'].map((name) => readMetric(platform, name)),
  );
  return { deliveries: deliveries ?? 0, writes: (writes ?? 0) - (heartbeats ?? 0) };
}

async function readMetric(platform: Platform, name: string): Promise<number> {
  const text = await (await fetch(`${platform.gateways[0]?.url}/metrics`)).text();
  return Number(new RegExp(`^\\w*_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(1);
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}
