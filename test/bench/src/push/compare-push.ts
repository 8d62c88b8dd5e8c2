import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { percentile, printRow } from '../print.ts';
import { readProcessFigures } from '../process-figures.ts';
import type { HeardOnSocket } from './push-orders.ts';
import { startPushProcess } from './push-process.ts';
import type { PushProcess } from './push-process.ts';
import { buildPushTown } from './push-town.ts';
import type { PushTown, PushWrite } from './push-town.ts';

export interface PushBench {
  /** People who are followed; the first of them are connected. */
  readonly users: number;
  readonly sockets: number;
  readonly writesPerSecond: number;
  readonly seconds: number;
  /** Events that come alone. */
  readonly rounds: number;
}

const NOTIFIERS = 2;
/** PROTOCOL.md 8.2: the longest that a reminder waits for the one before, and a moment. */
const LONGEST_REMINDER_MS = 22_600;
const SETTLE_MS = 1000;

interface Stage extends PushBench {
  readonly platform: Platform;
  readonly town: PushTown;
  readonly ears: PushProcess;
}

interface Figures {
  readonly writes: readonly PushWrite[];
  readonly heard: readonly HeardOnSocket[];
  readonly cpuSeconds: number;
}

/** How soon those who are connected are woken, and what it costs; then the same events with nobody connected. */
export async function comparePush(bench: PushBench): Promise<void> {
  const { users, sockets, writesPerSecond, seconds } = bench;
  await using platform = await startPlatform({ notifiers: NOTIFIERS });
  const began = performance.now();
  const town = await buildPushTown(platform, users);
  const built = ((performance.now() - began) / 1000).toFixed(0);
  using ears = startPushProcess();
  const stage = { ...bench, platform, town, ears };
  console.log(
    `\nPush: ${users} followers (made in ${built} s), ${sockets} sockets, ${NOTIFIERS} notifiers; milliseconds from the event’s time`,
  );
  printRow(['', 'p50', 'p99', 'max', 'wake-ups', 'CPU ms/1000', '']);
  await openSockets(stage);
  const count = writesPerSecond * seconds;
  const steady = await measure(stage, count, writesPerSecond);
  const objects = objectLatencies(steady);
  const reminders = reminderLatencies(steady);
  const wakeUps = objects.length + steady.heard.reduce((sum, ear) => sum + ear.reminders.length, 0);
  print(`or-object-…, ${writesPerSecond} events/s`, objects, objects.length);
  print(`notify_notification, ${writesPerSecond}/s`, reminders, wakeUps - objects.length);
  printRow(['all', '', '', '', wakeUps, costOf(steady, wakeUps), faultsOf(steady, sockets * count)]);
  await printLoneEvents(stage);
  await ears.order({ type: 'close' });
  await pause(SETTLE_MS);
  const alone = await measure({ ...stage, sockets: 0 }, count, writesPerSecond);
  printRow(['nobody connected, per 1000 events', '', '', '', '', costOf(alone, count)]);
}

/** A reminder is put off after the one before: what it takes by itself is seen when there was none for long. */
async function printLoneEvents(stage: Stage): Promise<void> {
  const objects: number[] = [];
  const reminders: number[] = [];
  for (let round = 0; round < stage.rounds; round += 1) {
    await pause(LONGEST_REMINDER_MS);
    await stage.ears.order({ type: 'report' });
    const figures = await measure(stage, 1, 1);
    objects.push(...objectLatencies(figures));
    reminders.push(...reminderLatencies(figures));
  }
  const ascending = (a: number, b: number): number => a - b;
  print(`or-object-…, ${stage.rounds} events alone`, objects.toSorted(ascending), objects.length);
  print('notify_notification, the same', reminders.toSorted(ascending), reminders.length);
}

async function openSockets({ platform, town, ears, sockets }: Stage): Promise<void> {
  const logins = town.citizens.slice(0, sockets).map(({ id, token }, index) => ({
    url: platform.notifiers[index % NOTIFIERS]?.url ?? '',
    user: id,
    password: token,
  }));
  await ears.order({ type: 'open', logins });
}

/** Writes at a steady rate, and waits until everything must have been said. */
async function measure(stage: Stage, count: number, perSecond: number): Promise<Figures> {
  const { town, ears, sockets } = stage;
  await pause(SETTLE_MS);
  await ears.order({ type: 'report' });
  const before = cpuSecondsOf(stage);
  const pending: Promise<PushWrite>[] = [];
  const started = performance.now();
  for (let turn = 0; turn < count; turn += 1) {
    await pause(started + (turn / perSecond) * 1000 - performance.now());
    pending.push(town.write(turn));
  }
  const writes = await Promise.all(pending);
  await pause(SETTLE_MS);
  const cpuSeconds = cpuSecondsOf(stage) - before;
  if (sockets > 0) await pause(LONGEST_REMINDER_MS);
  return { writes, cpuSeconds, heard: await ears.order({ type: 'report' }) };
}

function cpuSecondsOf({ platform }: Stage): number {
  return platform.notifiers.reduce(
    (sum, { pid }) => sum + (readProcessFigures(pid)?.cpuSeconds ?? Number.NaN),
    0,
  );
}

/** From the time of each event until each socket was told of it, ascending. */
function objectLatencies({ writes, heard }: Figures): readonly number[] {
  const written = new Map(writes.map(({ uuid, version, writtenAt }) => [`${uuid} ${version}`, writtenAt]));
  return heard
    .flatMap(({ events }) => events.map(([event, at]) => at - (written.get(event) ?? Number.NaN)))
    .filter((ms) => !Number.isNaN(ms))
    .toSorted((a, b) => a - b);
}

/** From the time of each event until the first reminder that came to the socket after it was told of the event. */
function reminderLatencies({ writes, heard }: Figures): readonly number[] {
  const written = new Map(writes.map(({ uuid, version, writtenAt }) => [`${uuid} ${version}`, writtenAt]));
  return heard
    .flatMap(({ events, reminders }) =>
      events.flatMap(([event, toldAt]) => {
        const at = reminders.find((reminder) => reminder >= toldAt);
        const writtenAt = written.get(event);
        return at === undefined || writtenAt === undefined ? [] : [at - writtenAt];
      }),
    )
    .toSorted((a, b) => a - b);
}

function print(name: string, latenciesMs: readonly number[], count: number): void {
  const shares = [0.5, 0.99, 1].map((share) => percentile(latenciesMs, share));
  printRow([name, ...shares, count, '']);
}

function costOf({ cpuSeconds }: Figures, count: number): string {
  return ((cpuSeconds * 1_000_000) / count).toFixed(1);
}

/** Whatever is not exactly right is said beside the figures. */
function faultsOf(figures: Figures, expected: number): string {
  const { heard } = figures;
  const missing = expected - objectLatencies(figures).length;
  const unexpected = heard.reduce((sum, ear) => sum + ear.unexpected, 0);
  const closed = heard.filter(({ isClosed }) => isClosed).length;
  const silent = heard.filter(({ reminders }) => reminders.length === 0).length;
  const faults = [
    missing === 0 ? '' : `${missing} missing`,
    unexpected === 0 ? '' : `${unexpected} unexpected`,
    closed === 0 ? '' : `${closed} closed`,
    silent === 0 ? '' : `${silent} without a reminder`,
  ].filter((fault) => fault !== '');
  return faults.length === 0 ? 'all right' : faults.join(', ');
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, Math.max(0, ms));
  });
}
