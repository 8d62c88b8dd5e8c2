/**
 * What the fan-out itself costs, on sinks that take everything: microseconds per event and per delivery.
 * Run with `node services/fanout-gateway/src/fanout/fan-out.bench.ts`. Sockets cost some 10 us per write on top.
 */
import { compare } from '@tidewire/condition';
import type { RightsView } from '@tidewire/policy';
import { processScheduler } from '../delivery/scheduler.ts';
import type { Sink } from '../delivery/connection.ts';
import {
  EPOCH,
  SCHEMA,
  change,
  createRights,
  entry,
  image,
  principal,
  request,
} from '../../test/fan-out-builder.ts';
import { FanOut } from './fan-out.ts';
import type { ObjectEntry } from './subscription.ts';

const PROPERTIES = ['status', 'team', 'amount', 'title', 'note', 'city', 'phone', 'secret'];
const WARM_UP_EVENTS = 80;

const sink: Sink = { write: () => undefined, queuedBytes: () => 0, reset: () => undefined };

function createFanOut(): FanOut {
  return new FanOut({
    scheduler: processScheduler,
    events: { source: 'https://bench.example', typePrefix: 'nl.conduction.openregister' },
    start: { epoch: EPOCH, sequence: 0 },
    oldest: () => ({ epoch: EPOCH, sequence: 0 }),
    fresh: () => true,
    joinWindowMs: 5,
    sliceSize: 1_000_000,
    heartbeatIntervalMs: 1_000_000,
    timeRuleResyncMs: 1_000_000,
    budget: { maxQueuedBytes: 1e9, maxQueuedEvents: 1e9, stallMs: 1e9 },
    scanLimits: { perProcess: 1e9, perPrincipal: 1e9 },
    onNoRoom: () => undefined,
    onFailure: (error) => {
      throw error;
    },
  });
}

/** Rights by which every group sees other rows and, with `distinct`, other properties. */
function rightsFor(classes: number, distinct: boolean): RightsView {
  const groups = Array.from({ length: classes }, (_, n) => `g${n}`);
  const hides = (group: number, property: number): boolean => ((group + 1) >> property) % 2 === 1;
  const rules = PROPERTIES.slice(2).map((name, property) => {
    const read = groups.filter((_, group) => !hides(distinct ? group : group % 4, property));
    return [name, { read }] as const;
  });
  return createRights({
    properties: PROPERTIES,
    authorization: {
      read: groups.map((group, n) => ({
        group,
        match: { status: { $ne: 'gone' }, amount: { $lt: 1000 + n } },
      })),
    },
    propertyRules: Object.fromEntries(rules),
  });
}

function subscribeAll(fanOut: FanOut, classes: number, members: number, distinct: boolean): void {
  const rights = rightsFor(classes, distinct);
  const wishes = Array.from({ length: classes }, (_, n) => {
    const wish = request(rights, principal('p', { group: [`g${n}`] }));
    const decision = wish.decisionFor({ schemaId: SCHEMA });
    return { ...wish, decisionFor: () => decision };
  });
  for (let n = 0; n < classes * members; n += 1) {
    const connection = fanOut.addConnection({
      id: `k${n}`,
      principalId: `p${n}`,
      sink,
      wire: 'sse',
      subscription: '',
      tick: 0,
    });
    const wish = wishes[n % classes];
    if (wish !== undefined) fanOut.subscribe(connection, wish);
  }
}

function update(sequence: number): ObjectEntry {
  const properties = (status: string, note: string) => ({
    status,
    team: 'red',
    amount: sequence % 900,
    title: 'A title of some length, as titles are',
    note,
    city: 'Utrecht',
    phone: '+31 30 000 00 00',
    secret: 'x'.repeat(60),
  });
  const before = image({ version: sequence, owner: 'nobody', properties: properties('open', 'before') });
  const after = image({ version: sequence + 1, owner: 'nobody', properties: properties('held', 'after') });
  return entry(sequence, change(before, after));
}

/** Publishes in ticks of so many events and waits for each to be written. */
async function measure(fanOut: FanOut, events: number, perTick: number): Promise<number> {
  const from = fanOut.evaluatedPosition().sequence + 1;
  const entries = Array.from({ length: events }, (_, index) => update(from + index));
  const began = process.cpuUsage();
  for (let at = 0; at < events; at += perTick) {
    for (const each of entries.slice(at, at + perTick)) fanOut.publish(each);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.cpuUsage(began).user;
}

async function benchmark(name: string, fanOut: FanOut, perTick: number): Promise<void> {
  await measure(fanOut, WARM_UP_EVENTS, perTick);
  const before = fanOut.counters();
  const rounds: number[] = [];
  // Short rounds where there are few connections would measure the compiler.
  const events = fanOut.counters().connections <= 10_000 ? 1600 : 160;
  for (let round = 0; round < 3; round += 1) rounds.push(await measure(fanOut, events, perTick));
  const after = fanOut.counters();
  const median = rounds.toSorted((a, b) => a - b)[1] ?? 0;
  const deliveries = (after.deliveries - before.deliveries) / rounds.length;
  const perDelivery = deliveries === 0 ? 0 : median / deliveries;
  process.stdout.write(
    `${name.padEnd(44)} ${(median / events).toFixed(1).padStart(9)} us/event ${perDelivery.toFixed(4).padStart(9)} us/delivery` +
      `  ${(deliveries / events).toFixed(0).padStart(7)} deliveries, ${((after.encoded - before.encoded) / rounds.length / events).toFixed(0)} encodings each\n`,
  );
}

for (const distinct of [false, true]) {
  for (const [classes, members] of [
    [1, 1000],
    [100, 10],
    [10, 1000],
    [100, 1000],
  ] as const) {
    for (const perTick of [1, 8]) {
      const fanOut = createFanOut();
      subscribeAll(fanOut, classes, members, distinct);
      const kind = distinct ? 'own fields' : '4 field sets';
      await benchmark(`${classes} classes x ${members}, ${kind}, ${perTick} per tick`, fanOut, perTick);
      fanOut.stop();
    }
  }
}

for (const classes of [1000, 100_000]) {
  const fanOut = createFanOut();
  const rights = createRights({ properties: PROPERTIES });
  const reader = principal('reader');
  const heapBefore = process.memoryUsage().heapUsed;
  for (let n = 0; n < classes; n += 1) {
    const connection = fanOut.addConnection({
      id: `k${n}`,
      principalId: `p${n}`,
      sink,
      wire: 'sse',
      subscription: '',
      tick: 0,
    });
    const filter = compare('eq', 'team', n === 0 ? 'red' : `team-${n}`);
    fanOut.subscribe(connection, request(rights, reader, { filter }));
  }
  const heap = (process.memoryUsage().heapUsed - heapBefore) / classes / 1024;
  await benchmark(`${classes} equality filters, 1 match (${heap.toFixed(1)} KB each)`, fanOut, 1);
  fanOut.stop();
}
