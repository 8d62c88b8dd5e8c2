import type { TestPostgresServer } from '@tidewire/test-kit';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHostileWriters } from './hostile-writers.ts';
import { connectClient } from './probe.ts';
import { startRelayProcess } from './relay-process.ts';
import type { RelayProcess } from './relay-process.ts';
import { SAME, compare, startCrashRig } from './rig.ts';
import type { Rig } from './rig.ts';

const ROUNDS = Number(process.env['TIDEWIRE_FAULT_ROUNDS'] ?? 5);
const WRITERS = 8;
const WRITES_BETWEEN_FAULTS = 400;

let rig: Rig<TestPostgresServer>;
let relays: RelayProcess[];

const startRelay = (): Promise<RelayProcess> => startRelayProcess(rig.nats.url, rig.database.relayUrl);

beforeEach(async () => {
  rig = await startCrashRig();
  relays = await Promise.all([startRelay(), startRelay()]);
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.kill()));
  await rig[Symbol.asyncDispose]();
});

async function findLeader(): Promise<RelayProcess> {
  return await waitFor(
    async () => {
      for (const relay of relays) if (await relay.leads()) return relay;
      return undefined;
    },
    { timeoutMs: 20_000, what: 'one relay leads' },
  );
}

/** Waits until the outbox is empty and everything is read, over a connection of its own: the rig's may be dead. */
async function readTruth(): Promise<Map<string, number>> {
  const client = await connectClient(rig.database.ownerUrl);
  try {
    await waitFor(
      async () => {
        const { rows } = await client.query<{ left: number; epoch: string; sequence: number }>(
          'SELECT (SELECT count(*)::int FROM outbox.rows) AS left, epoch, sequence::int FROM outbox.relay_state',
        );
        const [state] = rows;
        const { applied } = rig.reader;
        return state?.left === 0 && state.sequence === applied.sequence && state.epoch === applied.epoch;
      },
      { timeoutMs: 60_000, what: 'everything written is in the log and read' },
    );
    const { rows } = await client.query<{ uuid: string; newest: number }>(
      'SELECT uuid, max(version)::int AS newest FROM probe.audit GROUP BY uuid',
    );
    return new Map(rows.map((row) => [row.uuid, row.newest]));
  } finally {
    await client.end();
  }
}

/** Milliseconds until the next event arrives. */
async function pauseAfter(fault: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await fault();
  const known = rig.entries.length;
  await waitFor(() => rig.entries.length > known, { timeoutMs: 30_000, what: 'events flow again' });
  return performance.now() - started;
}

const FAULTS: Record<string, () => Promise<void>> = {
  'leader killed': async () => {
    const leader = await findLeader();
    await leader.kill();
    relays = relays.filter((relay) => relay !== leader);
  },
  'nats killed': async () => {
    await rig.nats.kill();
    await rig.nats.restart();
  },
  'postgres killed': async () => {
    await rig.database.kill();
    await rig.database.restart();
  },
};

test('whoever is killed, every committed write is in the log exactly once and in the order of its object', async () => {
  const pauses = new Map<string, number[]>();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const writers = startHostileWriters(rig.database.recordsUrl, rig.bus, WRITERS);
    for (const [name, fault] of Object.entries(FAULTS)) {
      const before = writers.written;
      await waitFor(() => writers.written > before + WRITES_BETWEEN_FAULTS, {
        timeoutMs: 60_000,
        what: 'the writers write',
      });
      await findLeader();
      pauses.set(name, [...(pauses.get(name) ?? []), await pauseAfter(fault)]);
      if (relays.length < 2) relays.push(await startRelay());
    }
    await writers.stop();
    const truth = await readTruth();
    expect(compare(rig.versions(), truth), `round ${round}`).toEqual(SAME);
    const total = [...truth.values()].reduce((sum, newest) => sum + newest, 0);
    expect(rig.entries, `round ${round}`).toHaveLength(total);
  }
  // A false alarm would throw every client's cursor away: killing alone never makes a new epoch.
  expect(new Set(rig.entries.map((entry) => entry.epoch)).size).toBe(1);
  report(pauses);
});

test('a leader that is frozen and comes back after another one led publishes nothing twice', async () => {
  const writers = startHostileWriters(rig.database.recordsUrl, rig.bus, WRITERS);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const zombie = await findLeader();
    zombie.signal('SIGSTOP');
    await waitFor(
      async () => {
        for (const relay of relays) if (relay !== zombie && (await relay.leads())) return true;
        return false;
      },
      { timeoutMs: 12_000, what: 'the other relay leads' },
    );
    const before = rig.entries.length;
    await waitFor(() => rig.entries.length > before + 100, { timeoutMs: 20_000, what: 'the heir publishes' });
    zombie.signal('SIGCONT');
    await waitFor(() => rig.entries.length > before + 300, { timeoutMs: 20_000, what: 'publishing goes on' });
  }
  await writers.stop();
  // First wait for the end, then look at what was read.
  const truth = await readTruth();
  expect(compare(rig.versions(), truth)).toEqual(SAME);
  expect(rig.entries).toHaveLength([...truth.values()].reduce((sum, newest) => sum + newest, 0));
  expect(new Set(rig.entries.map((entry) => entry.epoch)).size).toBe(1);
});

function report(pauses: Map<string, number[]>): void {
  const lines = [...pauses].map(([name, values]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const median = Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
    return `${name}: pause median ${median} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms`;
  });
  process.stderr.write(`${ROUNDS} rounds, ${rig.entries.length} events\n  ${lines.join('\n  ')}\n`);
}
