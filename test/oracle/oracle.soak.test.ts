import { startPlatform } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { Oracle } from './oracle.ts';
import { ORACLE_SETTINGS } from './oracle-settings.ts';
import { Random } from './random.ts';

const SEED = Number(process.env['TIDEWIRE_ORACLE_SEED'] ?? Date.now() % 1_000_000);
const STEPS = Number(process.env['TIDEWIRE_ORACLE_STEPS'] ?? 100_000);
/** A world is left for a new one, with other people, schemas and processes, before it becomes a habit. */
const STEPS_PER_WORLD = Math.min(4000, Math.ceil(STEPS / 3));

/** Of this process; a world of 4,000 steps takes some 400 MiB. */
const MOST_MEMORY_MIB = 1024;

/** What the worlds of a long run differ in. */
function settingsOf(random: Random): Record<string, string> {
  return {
    ...ORACLE_SETTINGS,
    TIDEWIRE_REPLAY_RING_EVENTS: String(random.pick([5, 60, 1000])),
    TIDEWIRE_REPLAY_LIMIT_EVENTS: String(random.pick([10, 10_000])),
    TIDEWIRE_REPLAYS_AT_ONCE: String(random.pick([1, 8])),
    TIDEWIRE_MAX_CONNECTION_AGE_MS: String(random.pick([15_000, 3_600_000])),
    TIDEWIRE_CREDENTIAL_CACHE_MS: String(random.pick([0, 60_000])),
  };
}

test(`everybody sees all that they may, and nothing else, over ${STEPS} random steps`, async () => {
  process.stdout.write(`oracle: TIDEWIRE_ORACLE_SEED=${SEED}\n`);
  let done = 0;
  const total = { crossings: 0, rightsChanges: 0, restarts: new Map<string, number>() };
  for (let world = 0; done < STEPS; world += 1) {
    const seed = world === 0 ? SEED : SEED * 1000 + world;
    const random = Random.of(seed, -3);
    const gateways = 2 + random.below(2);
    await using platform = await startPlatform({ gateways, settings: settingsOf(random) });
    const stats = await Oracle.run({
      platform,
      gateways: platform.gateways,
      seed,
      steps: Math.min(STEPS_PER_WORLD, STEPS - done),
      subscribers: 40,
      restarts: true,
      onProgress: (line) =>
        process.stdout.write(`\roracle: world ${world}, ${done} steps before, ${line}   `),
    });
    done += stats.steps;
    total.crossings += stats.crossings;
    total.rightsChanges += stats.rightsChanges;
    for (const [name, count] of Object.entries(stats.restarts)) {
      total.restarts.set(name, (total.restarts.get(name) ?? 0) + count);
    }
    const memory = Math.round(process.memoryUsage().rss / 1_048_576);
    // What a world held is let go with it: later ones take no more than the first.
    expect(memory).toBeLessThan(MOST_MEMORY_MIB);
    process.stdout.write(`\noracle: world ${world}, seed ${seed}, ${memory} MiB, ${JSON.stringify(stats)}\n`);
  }
  expect(done).toBe(STEPS);
  expect(total.rightsChanges).toBeGreaterThan(STEPS / 10);
  expect(total.crossings).toBeGreaterThan(STEPS / 5);
  if (STEPS < 10_000) return;
  for (const name of ['authz', 'relay', 'fanout-gateway-1', 'fanout-gateway-2']) {
    expect(total.restarts.get(name) ?? 0, name).toBeGreaterThanOrEqual(3);
  }
});
