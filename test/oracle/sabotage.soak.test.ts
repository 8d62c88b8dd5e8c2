import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Finding } from './finding.ts';
import { Oracle } from './oracle.ts';
import { ORACLE_SETTINGS } from './oracle-settings.ts';
import { startSabotaged } from './sabotage/sabotaged-process.ts';
import { SABOTAGES } from './sabotage/sabotages.ts';
import type { Sabotage, SabotageName } from './sabotage/sabotages.ts';

/** Far more than any of them needs: who finds nothing in so many steps finds nothing. */
const MOST_STEPS = 3000;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 1, settings: ORACLE_SETTINGS });
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

test.each(Object.keys(SABOTAGES) as SabotageName[])('the oracle finds a process that %s', async (name) => {
  const { service, turnChance, found }: Sabotage = SABOTAGES[name];
  await using wrong = await startSabotaged(platform, name);
  const finding: unknown = await Oracle.run({
    platform,
    gateways: service === 'records' ? platform.gateways : [wrong],
    records: service === 'records' ? wrong.url : undefined,
    seed: 7,
    steps: MOST_STEPS,
    subscribers: 24,
    restarts: false,
    turnChance,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(finding).toBeInstanceOf(Finding);
  const { kind, detail, message } = finding as Finding;
  const [what = ''] = message.replace(`${kind}: `, '').split('\n');
  process.stdout.write(`${name}: ${what} at step ${String(detail['step'])}\n`);
  expect(found, message).toContain(kind);
});
