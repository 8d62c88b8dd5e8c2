import { randomUUID } from 'node:crypto';
import { preAuthTokenSchema } from '@tidewire/contract';
import type { StoredPreAuthorisation } from '@tidewire/contract';
import { BusUnavailableError } from '@tidewire/messaging';
import type { PreAuthStore } from '@tidewire/messaging';
import { createManualClock } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { PreAuth } from './pre-auth.ts';

const whom = { principal: 'alice', credential: randomUUID() };

/** A store that drops nothing by itself. `failures`: how often it does not answer first; `made`: whether its bucket is there. */
function start({ failures = 0, made = true } = {}) {
  const clock = createManualClock();
  const kept = new Map<string, StoredPreAuthorisation>();
  let calls = 0;
  let isThere = made;
  const answer = (): void => {
    calls += 1;
    if (calls <= failures) throw new BusUnavailableError('away');
  };
  const store: PreAuthStore = {
    ensure: async () => {
      answer();
      isThere = true;
    },
    put: async (token, preAuthorisation) => {
      answer();
      if (!isThere) throw new BusUnavailableError('nobody listens');
      kept.set(token, preAuthorisation);
    },
    take: async (token) => {
      answer();
      const found = kept.get(token);
      kept.delete(token);
      return found;
    },
  };
  return { clock, kept, preAuth: new PreAuth({ store, clock }) };
}

test('a token is 32 letters, never the same, and stands for who asked for it, once', async () => {
  const { preAuth } = start();
  const tokens = await Promise.all(Array.from({ length: 100 }, () => preAuth.issue(whom)));
  for (const token of tokens) expect(preAuthTokenSchema.safeParse(token).success).toBe(true);
  expect(new Set(tokens).size).toBe(100);
  expect(await preAuth.redeem(tokens[0] ?? '')).toEqual(whom);
  expect(await preAuth.redeem(tokens[0] ?? '')).toBeUndefined();
  expect(await preAuth.redeem('QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb')).toBeUndefined();
});

test('a token is worth nothing after 15 s, though it is kept', async () => {
  const { preAuth, clock, kept } = start();
  const [first, second] = await Promise.all([preAuth.issue(whom), preAuth.issue(whom)]);
  clock.advance(15_000);
  expect(await preAuth.redeem(first)).toEqual(whom);
  clock.advance(1);
  expect(kept.size).toBe(1);
  expect(await preAuth.redeem(second)).toBeUndefined();
  expect(kept.size).toBe(0);
});

test('a bucket that was lost is made again', async () => {
  const { preAuth } = start({ made: false });
  expect(await preAuth.redeem(await preAuth.issue(whom))).toEqual(whom);
});

test('waits a few seconds for NATS, because clients do not ask again; the life begins when the token is kept', async () => {
  const { preAuth, clock, kept } = start({ failures: 30 });
  const issued = preAuth.issue(whom);
  await waitFor(
    () => {
      clock.advance(50);
      return kept.size > 0;
    },
    { what: 'the token is kept' },
  );
  const token = await issued;
  const late = clock.now();
  expect(Date.parse(kept.get(token)?.issuedAt ?? '')).toBeGreaterThan(late - 250);
  expect(await preAuth.redeem(token)).toEqual(whom);
});

test('says so when NATS does not come back', async () => {
  const { preAuth, clock } = start({ failures: Infinity });
  let error: unknown;
  preAuth.issue(whom).catch((thrown: unknown) => (error = thrown));
  await waitFor(
    () => {
      clock.advance(250);
      return error;
    },
    { what: 'it gives up' },
  );
  expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  expect(clock.monotonic()).toBeLessThan(60_000);
  await expect(preAuth.redeem('QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb')).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
  });
});
