import { CONNECTIONS_BUCKET, EVENTS_STREAM, SERVICE_PERMISSIONS } from '@tidewire/contract';
import {
  connectBus,
  encodePayload,
  openLeases,
  openLogWriter,
  processClock,
  readLog,
  silentLogger,
} from '@tidewire/messaging';
import type { MessageBus, OutgoingEvent } from '@tidewire/messaging';
import { startNatsCluster, waitFor } from '@tidewire/test-kit';
import type { TestNatsCluster } from '@tidewire/test-kit';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const REPLICAS = 3;
const LIMITS = { maxAgeMs: 3_600_000, maxBytes: 64 << 20 };
const killed: number[] = [];
let cluster: TestNatsCluster;

beforeAll(async () => {
  cluster = await startNatsCluster({ users: SERVICE_PERMISSIONS });
});
// Also after a test that failed: with one server less the next one would have no majority.
afterEach(async () => {
  for (const index of killed.splice(0)) await cluster.restart(index);
  await cluster.untilReady();
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function kill(index: number): Promise<void> {
  killed.push(index);
  await cluster.kill(index);
}

async function readSequences(bus: MessageBus, to: number): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of readLog(bus, { epoch: 'epoch001', from: 0, to })) sequences.push(sequence);
  return sequences;
}

function connect(user: string): Promise<MessageBus> {
  return connectBus({ url: cluster.urlFor(user), user, logger: silentLogger });
}

function createEvent(): OutgoingEvent {
  const outboxId = randomUUID();
  return {
    subject: `events.none.hr.people.${outboxId}.created`,
    outboxId,
    payload: encodePayload(JSON.stringify({ kind: 'probe', outboxId })),
  };
}

test('what the log has acknowledged is there when its leader is killed, and publishing goes on at the next number', async () => {
  await using bus = await connect('relay');
  const writer = openLogWriter(bus, { ...LIMITS, replicas: REPLICAS });
  await writer.create('epoch001', 0);
  const events = Array.from({ length: 100 }, createEvent);
  expect(await writer.publish({ events, epoch: 'epoch001', expectedLast: 0 })).toBe(100);

  const leader = await cluster.leaderOf(EVENTS_STREAM);
  await kill(leader);
  const began = performance.now();
  const more = { events: [createEvent()], epoch: 'epoch001', expectedLast: 100 };
  const stored = await waitFor(
    async () => {
      try {
        return await writer.publish(more);
      } catch {
        // The outcome may be unknown: what is there says it.
        const last = (await writer.find().catch(() => undefined))?.last;
        return last === 101 ? last : undefined;
      }
    },
    { what: 'somebody else leads the log', timeoutMs: 30_000 },
  );
  process.stdout.write(
    `the log was written to again ${Math.round(performance.now() - began)} ms after its leader was killed\n`,
  );
  expect(stored).toBe(101);
  expect(await cluster.leaderOf(EVENTS_STREAM)).not.toBe(leader);

  await using reader = await connect('fanout-gateway');
  const info = await waitFor(() => writer.find().catch(() => undefined), { what: 'the new leader answers' });
  expect(info).toMatchObject({ epoch: 'epoch001', first: 1, last: 101, messages: 101 });
  const sequences = await waitFor(() => readSequences(reader, 101).catch(() => undefined), {
    what: 'the log is read: who leads all servers may still be elected, and consumers wait for it',
    timeoutMs: 30_000,
  });
  expect(sequences).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
});

test('places that gateways hold are still counted when the server that leads the bucket is killed', async () => {
  await using bus = await connect('fanout-gateway');
  await using other = await connect('fanout-gateway');
  const options = { bucket: CONNECTIONS_BUCKET, clock: processClock, replicas: REPLICAS };
  // As a gateway does it: a server that has just come back is no place for a new bucket for some seconds.
  const first = await waitFor(
    () => openLeases(bus, { ...options, instance: 'gateway-1' }).catch(() => undefined),
    { what: 'the bucket is made', timeoutMs: 30_000 },
  );
  const second = await openLeases(other, { ...options, instance: 'gateway-2' });
  for (let place = 0; place < 3; place += 1) expect(await first.acquire('alice', 3)).toBe(true);
  expect(await second.acquire('alice', 3)).toBe(false);

  const leader = await cluster.leaderOf(`KV_${CONNECTIONS_BUCKET}`);
  await kill(leader);
  // Where nobody can be asked the limit holds for each gateway alone: only an answer of the bucket counts here.
  await waitFor(
    () =>
      second.listAlive().then(
        (alive) => alive.has('gateway-1'),
        () => false,
      ),
    {
      what: 'the bucket answers again and knows the gateways',
      timeoutMs: 30_000,
    },
  );
  expect(await second.acquire('alice', 3)).toBe(false);
  first.release('alice');
  await waitFor(() => second.acquire('alice', 3), { what: 'the place that was given back can be had' });
  await Promise.all([first.close(), second.close()]);
});
