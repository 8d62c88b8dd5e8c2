import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

const all = Object.keys(SABOTAGES) as SabotageName[];
const isOfRecords = (name: SabotageName): boolean => (SABOTAGES[name] as Sabotage).service === 'records';

test.each(all.filter(isOfRecords))('the oracle finds a process that %s', findsIt);

describe('without another gateway, which would answer on NATS in its place', () => {
  beforeAll(() => platform.kill('fanout-gateway-1'));

  test.each(all.filter((name) => !isOfRecords(name)))('the oracle finds a process that %s', findsIt);
});

async function findsIt(name: SabotageName): Promise<void> {
  const { service, turnChance, favoured, found }: Sabotage = SABOTAGES[name];
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
    favoured,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(finding).toBeInstanceOf(Finding);
  const { kind, detail, message } = finding as Finding;
  const [what = ''] = message.replace(`${kind}: `, '').split('\n');
  process.stdout.write(`${name}: ${what} at step ${String(detail['step'])}\n`);
  expect(found, message).toContain(kind);
}
