import { expect, test } from 'vitest';
import { PasswordHasher } from './password-hasher.ts';

test('a password matches its own hash and nothing else does, however its accents are composed', async () => {
  const hasher = new PasswordHasher();
  const [first, second] = await Promise.all([
    hasher.hash('sésame ouvre-toi'),
    hasher.hash('sésame ouvre-toi'),
  ]);
  expect(first).not.toBe(second);
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]+\$[^$]+$/);
  expect(await hasher.matches(first, 'se\u0301same ouvre-toi')).toBe(true);
  expect(await hasher.matches(first, 'sésame ouvre-toI')).toBe(false);
  expect(await hasher.matches(undefined, 'sésame ouvre-toi')).toBe(false);
});

test('a flood is refused beyond a bound instead of being kept waiting, and what waited is served', async () => {
  const hasher = new PasswordHasher();
  const attempts = Array.from({ length: 60 }, () => hasher.matches(undefined, 'x'));
  const results = await Promise.allSettled(attempts);
  const refused = results.filter(({ status }) => status === 'rejected');
  // Two run and 32 wait; the hash of no password was being made when they came.
  expect(results.length - refused.length).toBe(34);
  expect(refused[0]).toMatchObject({ reason: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 } });
  expect(await hasher.matches(undefined, 'x')).toBe(false);
});
