/**
 * `npm run bench`: what Tidewire costs on this machine. It prints figures and asserts none; compare ratios within one
 * run, never runs with each other. Every delivery is checked: count, order, projection.
 */
import { parseArgs } from 'node:util';
import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { benchRow, buildBenchTown, nowUs } from './bench-town.ts';
import type { BenchTown } from './bench-town.ts';
import { compareConnects } from './connects/compare-connects.ts';
import { compareFeeds } from './feeds/compare-feeds.ts';
import { facesOfOneSize, subscribersOf } from './graphql/compare-graphql.ts';
import { startLoad } from './load-process.ts';
import type { LoadReport } from './load-tally.ts';
import type { LoadPlan } from './loader.ts';
import { percentile, printRow } from './print.ts';
import { readProcessFigures } from './process-figures.ts';
import { comparePush } from './push/compare-push.ts';
import { REVOCATION_STREAMS, measureRevocations } from './revocation/measure-revocations.ts';
import { compareSockets } from './sockets/compare-sockets.ts';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '50' },
    burst: { type: 'string', default: '5000' },
    rounds: { type: 'string' },
    sockets: { type: 'string' },
    idle: { type: 'string', default: '60' },
    only: { type: 'string' },
  },
});
const subscribers = Number(values.subscribers);
const seconds = Number(values.seconds);
const rate = Number(values.rate);
const burst = Number(values.burst);
const CLASSES = [1, 10, 100];

/** Whatever is not exactly right is said beside the figures. */
function faultsOf(report: LoadReport): string {
  const faults = [
    report.deliveries === report.expected ? '' : `${report.expected - report.deliveries} missing`,
    report.outOfOrder === 0 ? '' : `${report.outOfOrder} out of order`,
    report.wrongProjection === 0 ? '' : `${report.wrongProjection} wrongly projected`,
    report.resyncs === 0 ? '' : `${report.resyncs} resyncs`,
    ...Object.entries(report.refused).map(([status, count]) => `${count} refused with ${status}`),
  ].filter((fault) => fault !== '');
  return faults.length === 0 ? 'all right' : faults.join(', ');
}

/** What the parts run on. */
interface Stage {
  readonly platform: Platform;
  readonly town: BenchTown;
}

interface Run extends Stage {
  readonly transport: LoadPlan['transport'];
  readonly plan: LoadPlan['subscribers'];
  readonly events: number;
  readonly write: () => Promise<void>;
}

async function measure(run: Run): Promise<{ report: LoadReport; cpuSeconds: number; kilobytesEach: number }> {
  const gateway = run.platform.gateways[0];
  if (gateway === undefined) throw new Error('there is no gateway');
  const { hostname, port } = new URL(gateway.url);
  const before = readProcessFigures(gateway.pid);
  const load = await startLoad({
    host: hostname,
    port: Number(port),
    transport: run.transport,
    subscribers: run.plan,
    events: run.events,
    patienceMs: 10_000,
  });
  const open = readProcessFigures(gateway.pid);
  await run.write();
  const report = await load.report;
  const after = readProcessFigures(gateway.pid);
  return {
    report,
    cpuSeconds: (after?.cpuSeconds ?? Number.NaN) - (open?.cpuSeconds ?? 0),
    kilobytesEach:
      ((open?.residentKilobytes ?? Number.NaN) - (before?.residentKilobytes ?? 0)) / run.plan.length,
  };
}

/** So many subscribers of the whole schema in so many view classes. */
function planOf(
  { register, readers }: BenchTown,
  transport: LoadPlan['transport'],
  count: number,
  classes: number,
): LoadPlan['subscribers'] {
  const path = `/api/realtime/${transport === 'sse' ? 'subscribe' : 'poll'}`;
  const query = `topic=register/${register}/schema/items`;
  return subscribersOf({ path, query }, count, readers.slice(0, classes));
}

async function writePaced(town: BenchTown, count: number, perSecond = rate): Promise<void> {
  const started = performance.now();
  const pending: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    const due = started + (index / perSecond) * 1000;
    await new Promise((wake) => {
      setTimeout(wake, Math.max(0, due - performance.now()));
    });
    pending.push(town.writer.send('POST', town.path, benchRow(nowUs())));
  }
  await Promise.all(pending);
}

/** As fast as PostgreSQL takes them, in transactions of 500 rows. */
async function writeBurst(platform: Platform, town: BenchTown, count: number): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    await platform.sql(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select gen_random_uuid(), s.register_id, s.id, $2, null, $3 from records.schemas s, generate_series(1, $4)
       where s.id = $1`,
      [town.schemaId, town.organisation, benchRow(nowUs()), Math.min(500, count - done)],
    );
  }
}

async function compareLatency({ platform, town }: Stage): Promise<void> {
  console.log(
    `\nWrite to SSE, ${rate} writes/s through REST, milliseconds from before the request to the last byte`,
  );
  printRow(['', 'p50', 'p99', 'p99.9', '', '']);
  for (const count of [1, 100]) {
    const events = rate * seconds;
    const { report } = await measure({
      platform,
      town,
      transport: 'sse',
      plan: planOf(town, 'sse', count, 1),
      events,
      write: async () => writePaced(town, events),
    });
    const { latenciesMs } = report;
    printRow([
      `${count} subscriber${count === 1 ? '' : 's'}`,
      ...[0.5, 0.99, 0.999].map((share) => percentile(latenciesMs, share)),
      '',
      faultsOf(report),
    ]);
  }
}

async function compareClasses({ platform, town }: Stage): Promise<void> {
  console.log(`\n${subscribers} subscribers`);
  printRow(['', 'events/s', 'deliveries/s', 'CPU s/M', 'KB/conn', '']);
  for (const classes of CLASSES) {
    // Memory per connection is that of a process that has just started.
    await platform.restart('fanout-gateway-1', 'SIGTERM');
    for (const [label, events, write] of [
      [`${rate} events/s`, rate * seconds, async () => writePaced(town, rate * seconds)],
      ['saturated', burst, async () => writeBurst(platform, town, burst)],
    ] as const) {
      const plan = planOf(town, 'sse', subscribers, classes);
      const run = { platform, town, transport: 'sse', plan, events, write } as const;
      const { report, cpuSeconds, kilobytesEach } = await measure(run);
      printRow([
        `${classes} view class${classes === 1 ? '' : 'es'}, ${label}`,
        Math.round(events / report.seconds),
        Math.round(report.deliveries / report.seconds),
        ((cpuSeconds / report.deliveries) * 1_000_000).toFixed(2),
        label === 'saturated' ? '' : kilobytesEach.toFixed(1),
        faultsOf(report),
      ]);
    }
  }
}

/** The same events at the same rate to as many streams and as many polls, one after the other, twice. */
async function compareTransports({ platform, town }: Stage): Promise<void> {
  const classes = 10;
  console.log(`\n${subscribers} streams against ${subscribers} long polls, ${classes} view classes`);
  printRow(['', 'deliveries/s', 'CPU s/M', 'KB/conn', 'p50 ms', 'p99 ms', 'per answer', '']);
  for (const writesPerSecond of [1, 5, rate]) {
    for (const transport of ['sse', 'poll', 'sse', 'poll'] as const) {
      await platform.restart('fanout-gateway-1', 'SIGTERM');
      const events = Math.max(5, writesPerSecond * seconds);
      const write = async (): Promise<void> => writePaced(town, events, writesPerSecond);
      const plan = planOf(town, transport, subscribers, classes);
      const run = { platform, town, transport, plan, events, write };
      const { report, cpuSeconds, kilobytesEach } = await measure(run);
      printRow([
        `${transport}, ${writesPerSecond} events/s`,
        Math.round(report.deliveries / report.seconds),
        ((cpuSeconds / report.deliveries) * 1_000_000).toFixed(2),
        kilobytesEach.toFixed(1),
        percentile(report.latenciesMs, 0.5),
        percentile(report.latenciesMs, 0.99),
        transport === 'sse' ? '' : (report.deliveries / Math.max(1, report.answers)).toFixed(1),
        faultsOf(report),
      ]);
    }
  }
}

/** The same events, of the same fields and bytes, to as many streams of either face, one after the other. */
async function compareGraphql({ platform, town }: Stage): Promise<void> {
  const count = Number(values.sockets ?? 10_000);
  const [reader] = town.readers;
  const gateway = platform.gateways[0];
  if (reader === undefined || gateway === undefined) throw new Error('there is nobody to tell');
  const faces = await facesOfOneSize(gateway.url, town, reader.token);
  console.log(`\n${count} streams, one view class, 2 events/s: a face of events against GraphQL`);
  printRow(['', 'deliveries/s', 'CPU s/M', 'KB/conn', 'p50 ms', 'p99 ms', 'times', '']);
  const rounds = Number(values.rounds ?? 3);
  for (let round = 0; round < rounds; round += 1) {
    let plainCost = Number.NaN;
    for (const face of faces) {
      await platform.restart('fanout-gateway-1', 'SIGTERM');
      const events = 2 * seconds;
      const plan = subscribersOf(face, count, [reader]);
      const write = async (): Promise<void> => writePaced(town, events, 2);
      const { report, cpuSeconds, kilobytesEach } = await measure({
        platform,
        town,
        transport: 'sse',
        plan,
        events,
        write,
      });
      const cost = (cpuSeconds / report.deliveries) * 1_000_000;
      if (face.name === 'sse') plainCost = cost;
      printRow([
        face.name,
        Math.round(report.deliveries / report.seconds),
        cost.toFixed(2),
        kilobytesEach.toFixed(1),
        percentile(report.latenciesMs, 0.5),
        percentile(report.latenciesMs, 0.99),
        face.name === 'sse' ? '' : (cost / plainCost).toFixed(2),
        faultsOf(report),
      ]);
    }
  }
}

/** How soon a right that was taken away is gone from every stream. */
async function compareRevocations({ platform }: Stage): Promise<void> {
  const eventsPerSecond = 200;
  console.log(
    `\nRights taken away, ${REVOCATION_STREAMS} streams, ${eventsPerSecond} events/s: milliseconds from the answer of the call`,
  );
  printRow(['', 'streams', 'last byte p50', 'p99', 'told p50', 'p99', '']);
  const rounds = Number(values.rounds ?? 20);
  for await (const figures of measureRevocations(platform, { rounds, rate: eventsPerSecond })) {
    printRow([
      figures.name,
      figures.streams,
      ...[figures.lastEventMs, figures.toldMs].flatMap((sorted) =>
        [0.5, 0.99].map((share) => percentile(sorted, share)),
      ),
      figures.faults.length === 0 ? 'all right' : figures.faults.join(', '),
    ]);
  }
}

/** Fewer than streams over HTTP: their clients share this machine's cores too, and each message is answered. */
async function compareNatsFeeds({ platform, town }: Stage): Promise<void> {
  const feeds = Math.min(subscribers, 100);
  const events = rate * seconds;
  const write = async (): Promise<void> => writePaced(town, events);
  const plan = planOf(town, 'sse', feeds, 1);
  await compareFeeds({
    platform,
    town,
    feeds,
    events,
    rounds: Number(values.rounds ?? 20),
    write,
    measureSse: async () => {
      const { report, cpuSeconds } = await measure({ platform, town, transport: 'sse', plan, events, write });
      return (cpuSeconds / report.deliveries) * 1_000_000;
    },
  });
}

/** The parts that share one platform, whose limits are out of the way. */
const PARTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  latency: compareLatency,
  classes: compareClasses,
  transports: compareTransports,
  graphql: compareGraphql,
  feeds: compareNatsFeeds,
  revocation: compareRevocations,
  connects: async ({ platform }) => compareConnects(platform, seconds),
};

async function compareOnStage(wanted: readonly ((stage: Stage) => Promise<void>)[]): Promise<void> {
  if (wanted.length === 0) return;
  await using platform = await startPlatform({
    gateways: 1,
    settings: {
      TIDEWIRE_MAX_CONNECTIONS_PER_USER: '100000',
      // The loader shares the cores and may fall behind the server; what it is owed is kept, so that it can be counted.
      TIDEWIRE_CONNECTION_BUDGET_BYTES: '67108864',
    },
  });
  const town = await buildBenchTown(platform.origin, platform.adminToken, Math.max(...CLASSES));
  await writePaced(town, 100);
  for (const compare of wanted) await compare({ platform, town });
}

const isWanted = (part: string): boolean => values.only === undefined || values.only === part;
await compareOnStage(Object.entries(PARTS).flatMap(([name, compare]) => (isWanted(name) ? [compare] : [])));
if (isWanted('sockets')) {
  await compareSockets({
    sockets: Number(values.sockets ?? 10_000),
    socketsPerPrincipal: 10,
    rounds: Number(values.rounds ?? 3),
    seconds,
    idleSeconds: Number(values.idle),
  });
}
if (isWanted('push')) {
  await comparePush({
    users: subscribers,
    sockets: Number(values.sockets ?? 200),
    writesPerSecond: rate,
    seconds,
    rounds: Number(values.rounds ?? 3),
  });
}
console.log('\nFigures of one run on one machine; loader, stores and gateway share its cores.');
