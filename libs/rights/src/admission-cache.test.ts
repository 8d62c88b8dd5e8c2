import { TidewireError } from '@tidewire/contract';
import { RightsView } from '@tidewire/policy';
import { createManualClock } from '@tidewire/service-kit';
import type { GivenCredential } from '@tidewire/service-kit';
import { organisation, person, rightsMessage } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { AdmissionCache, credentialKey } from './admission-cache.ts';
import type { Admission } from './admission.ts';

const alice = person('alice', organisation('thuis'), []);
const given: GivenCredential = { type: 'token', secret: 'a secret', source: 'bearer' };

function open(
  who = alice,
  graceMs?: number,
): {
  readonly cache: AdmissionCache<GivenCredential>;
  readonly clock: ReturnType<typeof createManualClock>;
  readonly asked: () => number;
  readonly held: () => boolean;
  readonly fail: (error: Error | undefined) => void;
  readonly setView: (view: RightsView) => void;
  readonly view: RightsView;
} {
  const clock = createManualClock();
  const first = new RightsView();
  let view = first;
  let asked = 0;
  let failure: Error | undefined;
  const cache = new AdmissionCache<GivenCredential>({
    clock,
    keyOf: credentialKey,
    view: () => view,
    admit: async (): Promise<Admission> => {
      asked += 1;
      if (failure !== undefined) throw failure;
      const of = view;
      expect(of.hold({ ...who, position: { sequence: 1 } }, clock.now()).ok).toBe(true);
      return {
        reader: { principalId: who.principal.id, credentialId: who.credential.id },
        expiresAt: null,
        ...(graceMs !== undefined && { secretEndsAt: clock.now() + graceMs }),
        release: () => of.release(who),
      };
    },
  });
  return {
    cache,
    clock,
    asked: () => asked,
    held: () => first.credential(alice.credential.id) !== undefined,
    fail: (error) => {
      failure = error;
    },
    setView: (next) => {
      view = next;
    },
    view: first,
  };
}

test('asks once for a credential that comes again and again, and forgets it when it does not', async () => {
  const { cache, clock, asked, held } = open();
  for (let round = 0; round < 5; round += 1) {
    const admission = await cache.admit(given);
    clock.advance(9_000);
    admission.release();
    admission.release();
  }
  expect([asked(), held(), cache.size]).toEqual([1, true, 1]);
  const waiting = await cache.admit(given);
  clock.advance(60_000);
  expect(held()).toBe(true);
  waiting.release();
  clock.advance(60_000);
  expect([held(), cache.size]).toEqual([false, 0]);
  await cache.admit(given);
  expect(asked()).toBe(2);
});

test('another secret is another credential', async () => {
  const { cache, asked } = open();
  await cache.admit(given);
  await cache.admit({ ...given, secret: 'another' });
  await cache.admit({ ...given, type: 'session' });
  expect(asked()).toBe(3);
});

test('a credential that the log has ended or let expire is asked about again', async () => {
  const { cache, clock, asked, view } = open();
  (await cache.admit(given)).release();
  const soon = new Date(clock.now() + 1000).toISOString();
  view.apply(rightsMessage({ ...alice.credential, version: 2, expiresAt: soon }), 2);
  expect((await cache.admit(given)).expiresAt).toBe(Date.parse(soon));
  expect(asked()).toBe(1);
  clock.advance(1000);
  await expect(cache.admit(given)).rejects.toThrow();
  expect(asked()).toBe(2);
  const ended = open();
  await ended.cache.admit(given);
  ended.view.apply(rightsMessage({ ...alice.credential, version: 2, endedAt: soon }), 2);
  await expect(ended.cache.admit(given)).rejects.toThrow();
  expect(ended.asked()).toBe(2);
});

test('what was admitted under rights that were loaded anew since is asked about again', async () => {
  const { cache, asked, setView } = open();
  (await cache.admit(given)).release();
  setView(new RightsView());
  await cache.admit(given);
  expect(asked()).toBe(2);
});

test('gives its readers back when it stops, those in use with their last user', async () => {
  const { cache, held } = open();
  const admission = await cache.admit(given);
  cache.stop();
  expect(held()).toBe(true);
  admission.release();
  expect(held()).toBe(false);
});

test('asks again after a minute of use, and goes by the log alone while authz is away', async () => {
  const { cache, clock, asked, fail } = open();
  for (let round = 0; round < 8; round += 1) {
    (await cache.admit(given)).release();
    clock.advance(9_000);
  }
  expect(asked()).toBe(2);
  fail(new TidewireError('SERVICE_UNAVAILABLE', 'authz is away'));
  for (let round = 0; round < 8; round += 1) {
    (await cache.admit(given)).release();
    clock.advance(9_000);
  }
  expect(asked()).toBeGreaterThan(2);
  fail(new TidewireError('UNAUTHORIZED', 'no more'));
  await expect(cache.admit(given)).rejects.toThrow('no more');
});

test('a session that changed may have another secret: only authz knows which one counts', async () => {
  const session = { ...alice, credential: { ...alice.credential, type: 'session' as const } };
  const { cache, asked, view, fail } = open(session);
  (await cache.admit(given)).release();
  (await cache.admit(given)).release();
  expect(asked()).toBe(1);
  view.apply(rightsMessage({ ...session.credential, version: 2 }), 2);
  fail(new TidewireError('SERVICE_UNAVAILABLE', 'authz is away'));
  await expect(cache.admit(given)).rejects.toThrow('authz is away');
  fail(undefined);
  (await cache.admit(given)).release();
  expect(asked()).toBe(3);
});

test('a secret from before a rotation is remembered for its grace only', async () => {
  const { cache, clock, asked } = open(alice, 5_000);
  (await cache.admit(given)).release();
  clock.advance(4_999);
  (await cache.admit(given)).release();
  expect(asked()).toBe(1);
  clock.advance(1);
  (await cache.admit(given)).release();
  expect(asked()).toBe(2);
});
