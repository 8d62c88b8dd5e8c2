import { startPlatform } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

/** `TIDEWIRE_FUZZ_REQUESTS=20000` is the long run, best with another `TIDEWIRE_FUZZ_SEED` each time. */
const requests = Number(process.env['TIDEWIRE_FUZZ_REQUESTS'] ?? 1500);
const seed = Number(process.env['TIDEWIRE_FUZZ_SEED'] ?? 1);

test(`${requests} requests made from the OpenAPI document are answered as it says (seed ${seed})`, async () => {
  await using platform = await startPlatform({
    notifiers: 1,
    settings: { TIDEWIRE_MAX_CONNECTIONS_PER_USER: '64' },
  });
  const pids = [...platform.gateways, ...platform.records].map(({ pid }) => pid);
  const report = await fuzz({ platform, requests, seed });
  process.stderr.write(
    `fuzz: ${report.requests} requests, answers ${JSON.stringify([...report.statuses])}\n`,
  );
  expect(report.findings.join('\n\n')).toBe('');
  // In a long run each one succeeds now and then, or the answers behind the checks were never looked at.
  if (requests >= 10_000) expect(report.neverSucceeded).toEqual([]);
  expect([...platform.gateways, ...platform.records].map(({ pid }) => pid)).toEqual(pids);
}, 1_800_000);
