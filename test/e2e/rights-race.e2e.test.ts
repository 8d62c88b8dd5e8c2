import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Follower } from '../support/follower.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

/** A short run in every `npm test`; the long one sets 10000. */
const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 150);
const OPEN = { read: ['authenticated'], create: ['authenticated'], update: ['authenticated'] };
const CLOSED = { ...OPEN, read: ['behandelaars'] };

let platform: Platform;
let town: Town;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2 });
  town = await buildTown(platform.origin, platform.adminToken);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Stops and continues a gateway at random until told to end, so that it is behind at unpredictable moments. */
async function pauseAtRandom(pid: number, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await rest(Math.random() * 60);
    process.kill(pid, 'SIGSTOP');
    await rest(Math.random() * 40);
    process.kill(pid, 'SIGCONT');
  }
}

async function rest(ms: number): Promise<void> {
  await new Promise((wake) => {
    setTimeout(wake, ms);
  });
}

test(
  `a rule that was tightened just before a write governs that write, ${ROUNDS} times`,
  { timeout: 3_600_000 },
  async () => {
    await using bob = await Follower.start({
      bases: () => [platform.gateways[0]?.url ?? ''],
      api: platform.origin,
      collection: town.collection,
      token: town.tokens.bob,
    });
    await using alice = await Follower.start({
      bases: () => [platform.gateways[1]?.url ?? ''],
      api: platform.origin,
      collection: town.collection,
      token: town.tokens.alice,
    });
    await waitFor(() => bob.isOpen && alice.isOpen, { what: 'streams open' });
    const ended = new AbortController();
    const pausing = pauseAtRandom(platform.gateways[0]?.pid ?? 0, ended.signal);
    const path = `/api/objects/${town.collection}`;
    const policy = `/api/policies/schema/${town.schemaId}`;
    const writer = town.as('alice');
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        await town.admin.send('PUT', policy, { authorization: CLOSED });
        await writer.send('POST', path, { titel: `closed-${round}`, status: 'nieuw' });
        await town.admin.send('PUT', policy, { authorization: OPEN });
        const shown = await writer.send<{ id: string }>('POST', path, {
          titel: `open-${round}`,
          status: 'nieuw',
        });
        if (round % 50 === 0) await writer.send('DELETE', `${path}/${shown.id}`);
      }
    } finally {
      ended.abort();
      await pausing;
    }
    await writer.send('POST', path, { titel: 'last', status: 'nieuw' });
    await waitFor(
      () => [alice, bob].every((reader) => [...reader.rows.values()].some((row) => row['titel'] === 'last')),
      {
        what: 'both readers at the head',
        timeoutMs: 60_000,
      },
    );
    // Rows written under the closed rule are visible now, by list; as an event none of them may have come.
    expect(bob.events.filter((event) => event.text.includes('closed-')).map((event) => event.text)).toEqual(
      [],
    );
    expect(bob.resyncs.length).toBeGreaterThan(0);
    expect(bob.faults).toEqual([]);
  },
);
