import { randomUUID } from 'node:crypto';
import type { MessageBus } from '@tidewire/messaging';
import type { Client } from 'pg';
import { connectClient } from './probe.ts';

/** Writers that go on whatever happens to the database, over few objects so that they meet. */
export interface HostileWriters {
  /** Statements that were acknowledged. */
  readonly written: number;
  stop(): Promise<void>;
}

const OBJECTS = 300;

const STATEMENTS = [
  `INSERT INTO probe.objects VALUES ($1, 1, jsonb_build_object('n', random())) ON CONFLICT DO NOTHING`,
  `INSERT INTO probe.objects VALUES ($1, 1, '{}') ON CONFLICT (uuid) DO UPDATE SET data = jsonb_build_object('u', random())`,
  `UPDATE probe.objects SET data = jsonb_build_object('m', random(), 'fill', repeat('x', 500)) WHERE uuid = $1`,
  `DELETE FROM probe.objects WHERE uuid = $1`,
];

/** Starts `count` writers; every third commits without waiting for the disk, every other one pokes the relay. */
export function startHostileWriters(databaseUrl: string, bus: MessageBus, count: number): HostileWriters {
  const uuids = Array.from({ length: OBJECTS }, () => randomUUID());
  const stopping = new AbortController();
  let written = 0;

  const writeUntilItBreaks = async (client: Client, index: number): Promise<void> => {
    if (index % 3 === 0) await client.query('SET synchronous_commit = off');
    while (!stopping.signal.aborted) {
      const uuid = uuids[Math.floor(Math.random() * OBJECTS)];
      const statement = STATEMENTS[Math.floor(Math.random() * STATEMENTS.length)] ?? '';
      await client.query(statement, [uuid]);
      written += 1;
      if (index % 2 === 0) bus.signal('relay.v1.poke');
    }
  };

  const run = async (index: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      let client: Client | undefined;
      try {
        client = await connectClient(databaseUrl);
        await writeUntilItBreaks(client, index);
      } catch {
        // The database was killed: whether the last statement counts is what the audit says.
        await new Promise((resolve) => setTimeout(resolve, 20));
      } finally {
        await client?.end().catch(() => undefined);
      }
    }
  };

  const running = Array.from({ length: count }, (_, index) => run(index));
  return {
    get written() {
      return written;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
