import { connectBus, openLogReader, openLogWriter, processClock, silentLogger } from '@tidewire/messaging';
import type { LogEntry, LogReader, LogReset, LogWriter, MessageBus } from '@tidewire/messaging';
import type { Service } from '@tidewire/service-kit';
import { startNats, startPostgres, startPostgresAlone, waitFor } from '@tidewire/test-kit';
import type { TestDatabase, TestNats, TestPostgresServer } from '@tidewire/test-kit';
import type { Client } from 'pg';
import { configSchema } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { connectClient, installProbe } from './probe.ts';

/** Servers, a probe table, and everything that the log says, in order. */
export interface Rig<Database extends TestDatabase = TestDatabase> extends AsyncDisposable {
  readonly nats: TestNats;
  readonly database: Database;
  readonly bus: MessageBus;
  readonly owner: Client;
  readonly writer: Client;
  readonly log: LogWriter;
  readonly entries: LogEntry[];
  readonly resets: LogReset[];
  readonly reader: LogReader;
  /** A relay in this process; started. */
  startRelay(settings?: Record<string, string>): Promise<Service>;
  /** Waits until the outbox is empty and the reader has read the log to its end. */
  settled(timeoutMs?: number): Promise<void>;
  /** `uuid` and version of every event of the log, in order. */
  versions(): (readonly [string, number])[];
  /** What the audit holds, and the log should. */
  audit(): Promise<Map<string, number>>;
}

/** A rig on the shared PostgreSQL server. */
export async function startRig(): Promise<Rig> {
  return await assemble(await startPostgres({ services: ['relay'] }));
}

/** A rig whose PostgreSQL can be killed. */
export async function startCrashRig(): Promise<Rig<TestPostgresServer>> {
  return await assemble(await startPostgresAlone({ services: ['relay'] }));
}

async function assemble<Database extends TestDatabase>(database: Database): Promise<Rig<Database>> {
  const nats = await startNats();
  await installProbe(database.ownerUrl);
  const owner = await connectClient(database.ownerUrl);
  const writer = await connectClient(database.recordsUrl);
  const bus = await connectBus({ url: nats.url, user: 'test', logger: silentLogger });
  const entries: LogEntry[] = [];
  const resets: LogReset[] = [];
  const relays: Service[] = [];
  const reader = openLogReader(bus, {
    from: { epoch: '00000000', sequence: 0 },
    onEntry: (entry) => void entries.push(entry),
    onReset: (reset) => void resets.push(reset),
    clock: processClock,
  });
  const log = openLogWriter(bus, { maxAgeMs: 86_400_000, maxBytes: 1 << 30, replicas: 1 });
  const isSettled = async (): Promise<boolean> => {
    const { rows } = await owner.query<{ left: number; epoch: string; sequence: string }>(
      'SELECT (SELECT count(*)::int FROM outbox.rows) AS left, epoch, sequence FROM outbox.relay_state',
    );
    const [state] = rows;
    const { applied } = reader;
    return (
      state?.left === 0 &&
      state.epoch !== '00000000' &&
      state.epoch === applied.epoch &&
      Number(state.sequence) === applied.sequence
    );
  };
  return {
    nats,
    database,
    bus,
    owner,
    writer,
    log,
    entries,
    resets,
    reader,
    startRelay: async (settings = {}) => {
      const config = configSchema.parse({
        NATS_URL: nats.url,
        DATABASE_URL: database.relayUrl,
        LOG_LEVEL: 'silent',
        ...settings,
      });
      const relay = createService(config);
      relays.push(relay);
      await relay.start();
      return relay;
    },
    settled: async (timeoutMs = 15_000) => {
      await waitFor(isSettled, { timeoutMs, what: 'everything written is in the log and read' });
    },
    versions: () => entries.map(({ message }) => describe(message)),
    audit: async () => {
      const { rows } = await owner.query<{ uuid: string; newest: number }>(
        'SELECT uuid, max(version)::int AS newest FROM probe.audit GROUP BY uuid',
      );
      return new Map(rows.map((row) => [row.uuid, row.newest]));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
      await reader.close();
      await bus.close();
      await Promise.all([owner.end(), writer.end()].map((ended) => ended.catch(() => undefined)));
      await nats[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function describe(message: LogEntry['message']): readonly [string, number] {
  return message?.kind === 'object' ? [message.uuid, message.version] : ['?', 0];
}

/** What differs between truth and log: lost, made up, twice, or out of order. All empty when the relay is right. */
export interface Differences {
  readonly lost: string[];
  readonly ghosts: string[];
  readonly disordered: string[];
}

/** Compares the events of the log with the audit: of each object exactly the versions 1 to newest, in this order. */
export function compare(
  versions: readonly (readonly [string, number])[],
  audit: Map<string, number>,
): Differences {
  const seen = new Map<string, number>();
  const disordered: string[] = [];
  for (const [uuid, version] of versions) {
    const previous = seen.get(uuid) ?? 0;
    if (version !== previous + 1) disordered.push(`${uuid}: ${version} after ${previous}`);
    seen.set(uuid, Math.max(version, previous));
  }
  const lost = [...audit].filter(([uuid, newest]) => (seen.get(uuid) ?? 0) < newest).map(([uuid]) => uuid);
  const ghosts = [...seen].filter(([uuid, newest]) => newest > (audit.get(uuid) ?? 0)).map(([uuid]) => uuid);
  return { lost, ghosts, disordered };
}

/** No difference. */
export const SAME: Differences = { lost: [], ghosts: [], disordered: [] };
