import { connect as connectTcp, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createLogger } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { insertObjects } from '../test/probe.ts';
import { SAME, compare, startRig } from '../test/rig.ts';
import { openLeaderSession } from './leader-session-postgres.ts';

interface Line extends AsyncDisposable {
  readonly url: string;
  /** From now on every byte is swallowed, in both directions, and no connection is closed. */
  cut(): void;
}

/** A way to the database that can be made to swallow everything, as a broken network does. */
async function openLine(databaseUrl: string): Promise<Line> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connectTcp(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (data) => void (isCut || to.write(data)));
      from.on('close', () => void (isCut || to.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut: () => {
      isCut = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a leader whose network swallows everything is replaced within ten seconds, and nothing is lost or twice', async () => {
  await using rig = await startRig();
  await using line = await openLine(rig.database.relayUrl);
  const first = await rig.startRelay({ DATABASE_URL: line.url });
  await insertObjects(rig.writer, 20);
  await rig.settled();
  const second = await rig.startRelay();
  await waitFor(() => second.ready() === true, { what: 'the standby is there' });
  line.cut();
  const started = performance.now();
  await insertObjects(rig.writer, 20);
  await rig.settled(12_000);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(compare(rig.versions(), await rig.audit())).toEqual(SAME);
  await waitFor(() => first.ready() !== true, { what: 'the cut off relay knows that it is apart' });
}, 60_000);

test('two relays never lead at once', async () => {
  await using rig = await startRig();
  const logger = createLogger({ service: 'relay', level: 'silent' });
  const sessions = await Promise.all([1, 2, 3].map(() => openLeaderSession(rig.database.relayUrl, logger)));
  const locked = await Promise.all(sessions.map((session) => session.tryLead()));
  expect(locked.filter(Boolean)).toHaveLength(1);
  await sessions[locked.indexOf(true)]?.close();
  const others = sessions.filter((_, index) => !locked[index]);
  const again = await Promise.all(others.map((session) => session.tryLead()));
  expect(again.filter(Boolean)).toHaveLength(1);
  await Promise.all(others.map((session) => session.close()));
});

test('a session that asks nothing loses the lead: a process that stands still does not keep it', async () => {
  await using rig = await startRig();
  const logger = createLogger({ service: 'relay', level: 'silent' });
  const frozen = await openLeaderSession(rig.database.relayUrl, logger);
  expect(await frozen.tryLead()).toBe(true);
  const heir = await openLeaderSession(rig.database.relayUrl, logger);
  await waitFor(() => heir.tryLead(), { timeoutMs: 9000, what: 'the lock is free' });
  expect(frozen.lost.aborted).toBe(true);
  await Promise.all([frozen.close(), heir.close()]);
});
