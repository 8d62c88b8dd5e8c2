import type { Credential, Principal } from '@tidewire/contract';
import { TidewireError } from '@tidewire/contract';
import type { AdmittedUser, ConnectRequest } from '@tidewire/messaging';
import { createLogger, createManualClock, createMetrics } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { CredentialRefusedError } from '../authenticator.ts';
import { createAuthzMetrics } from '../metrics.ts';
import type { ConnectRefusal } from './connect-refusal.ts';
import { createFailureLimit } from './failure-limit.ts';
import { createSubscriberAdmission } from './subscriber-admission.ts';

const NOW = '2026-03-01T00:00:00.000Z';
const CREDENTIAL = '7f3b2a10-0000-4000-8000-000000000001';
const principal = { kind: 'principal', id: 'alice' } as Principal;

interface Stage {
  readonly asked: string[];
  readonly refusals: ConnectRefusal[];
  readonly admit: (request: Partial<ConnectRequest>) => Promise<AdmittedUser | undefined>;
}

/** An admission that knows the secret `good`, and counts what it asks for. */
function stage({ expiresAt = null as string | null, random = 0, perMinute = 1000 } = {}): Stage {
  const clock = createManualClock(Date.parse(NOW));
  const asked: string[] = [];
  const refusals: ConnectRefusal[] = [];
  const credential = { kind: 'credential', id: CREDENTIAL, scopes: null, expiresAt } as Credential;
  const admit = createSubscriberAdmission({
    authenticate: async ({ type, secret }) => {
      asked.push(`${type} ${secret}`);
      if (secret === 'away') throw new TidewireError('SERVICE_UNAVAILABLE', 'away');
      if (!secret.startsWith('good')) throw new CredentialRefusedError('unknown');
      return { principal, credential, position: { epoch: 'e', sequence: 1 } };
    },
    limit: createFailureLimit(clock, perMinute),
    onRefusal: (refusal) => refusals.push(refusal),
    metrics: createAuthzMetrics(createMetrics('authz')),
    clock,
    logger: createLogger({ service: 'authz', level: 'silent' }),
    userTtlMs: 900_000,
    random: () => random,
  });
  return {
    asked,
    refusals,
    admit: (request) =>
      admit({ token: undefined, user: undefined, password: undefined, host: '192.0.2.1', ...request }),
  };
}

const secondsOf = (user: AdmittedUser | undefined): number =>
  ((user?.expiresAtMs ?? Number.NaN) - Date.parse(NOW)) / 1000;

test('lives as long as the setting says less a fifth at most, and never longer than its credential', async () => {
  expect(secondsOf(await stage({ random: 0 }).admit({ token: 'good' }))).toBe(900);
  expect(secondsOf(await stage({ random: 1 }).admit({ token: 'good' }))).toBe(720);
  const brief = stage({ expiresAt: '2026-03-01T00:00:10.900Z' });
  expect(secondsOf(await brief.admit({ token: 'good' }))).toBe(10);
  const over = stage({ expiresAt: '2026-03-01T00:00:00.900Z' });
  expect(await over.admit({ token: 'good' })).toBeUndefined();
  expect(over.refusals).toMatchObject([{ reason: 'expired', principal: 'alice' }]);
});

test('is asked about as a token whatever it was given as, never as a session or as Basic', async () => {
  const { admit, asked } = stage();
  await admit({ token: 'good' });
  await admit({ user: 'alice', password: 'good' });
  await admit({ password: 'alice:good' });
  expect(asked).toEqual(['token good', 'token good', 'token alice:good']);
});

test('what cannot be a secret is asked of nobody', async () => {
  const { admit, asked, refusals } = stage();
  await admit({});
  await admit({ user: 'alice' });
  await admit({ token: 'good', password: 'good' });
  await admit({ token: 'x'.repeat(8193) });
  expect(asked).toEqual([]);
  expect(refusals.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'no-secret'));
});

test('after too many failures an address is not asked about, but for secrets that counted before', async () => {
  const { admit, asked, refusals } = stage({ perMinute: 3 });
  expect(await admit({ token: 'good' })).toBeDefined();
  for (let index = 0; index < 100; index += 1) await admit({ token: `bad-${index}` });
  expect(asked).toHaveLength(1 + 3);
  expect(refusals.filter(({ reason }) => reason === 'limited')).toHaveLength(97);
  expect(await admit({ token: 'good' })).toBeDefined();
  expect(await admit({ token: 'good-2' })).toBeUndefined();
  expect(await admit({ token: 'good-2', host: '192.0.2.2' })).toBeDefined();
  expect(await admit({ token: 'good', user: 'bob' })).toBeUndefined();
});

test("an outage is refused, and is nobody's failure", async () => {
  const { admit, asked, refusals } = stage({ perMinute: 1 });
  for (let index = 0; index < 5; index += 1) expect(await admit({ token: 'away' })).toBeUndefined();
  expect(asked).toHaveLength(5);
  expect(refusals).toEqual([]);
});
