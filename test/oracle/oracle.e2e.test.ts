import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Oracle } from './oracle.ts';
import { ORACLE_SETTINGS } from './oracle-settings.ts';

/** The same acts every time, so that a run says something about the change at hand; `npm run test:soak` draws its own. */
const SEED = Number(process.env['TIDEWIRE_ORACLE_SEED'] ?? 1);
const STEPS = Number(process.env['TIDEWIRE_ORACLE_STEPS'] ?? 2000);

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2, settings: ORACLE_SETTINGS });
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

test(`everybody sees all that they may, and nothing else, over ${STEPS} random steps`, async () => {
  process.stdout.write(`oracle: TIDEWIRE_ORACLE_SEED=${SEED}\n`);
  const stats = await Oracle.run({
    platform,
    gateways: platform.gateways,
    seed: SEED,
    steps: STEPS,
    subscribers: 24,
    restarts: true,
  });
  process.stdout.write(`oracle: ${JSON.stringify(stats)}\n`);
  expect(stats.crossings).toBeGreaterThan(STEPS / 5);
  expect(stats.rightsChanges).toBeGreaterThan(STEPS / 10);
  expect(stats.transports).toMatchObject({ 'nats': expect.any(Number), 'nats-poll': expect.any(Number) });
  expect(stats.handed).toBeGreaterThan(0);
}, 900_000);
