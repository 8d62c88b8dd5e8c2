import { createManualClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { createFailureLimit } from './failure-limit.ts';

test('so many failures of an address are heard in a minute, and come back one by one', () => {
  const clock = createManualClock();
  const limit = createFailureLimit(clock, 3);
  for (let failures = 0; failures < 3; failures += 1) {
    expect(limit.isExceeded('192.0.2.1')).toBe(false);
    limit.note('192.0.2.1');
  }
  expect(limit.isExceeded('192.0.2.1')).toBe(true);
  expect(limit.isExceeded('192.0.2.2')).toBe(false);
  clock.advance(19_999);
  expect(limit.isExceeded('192.0.2.1')).toBe(true);
  clock.advance(1);
  expect(limit.isExceeded('192.0.2.1')).toBe(false);
  limit.note('192.0.2.1');
  expect(limit.isExceeded('192.0.2.1')).toBe(true);
});

test('more failures than are heard cost no more than a minute', () => {
  const clock = createManualClock();
  const limit = createFailureLimit(clock, 2);
  for (let failures = 0; failures < 1000; failures += 1) limit.note('192.0.2.1');
  clock.advance(30_000);
  expect(limit.isExceeded('192.0.2.1')).toBe(false);
});

test('a network of IPv6 is one address', () => {
  const limit = createFailureLimit(createManualClock(), 1);
  limit.note('2001:db8:0:1::1');
  expect(limit.isExceeded('2001:db8:0:1:ffff::2')).toBe(true);
  expect(limit.isExceeded('2001:db8:0:2::1')).toBe(false);
});

test('a flood from many addresses fills no memory: those of the longest ago are forgotten', () => {
  const limit = createFailureLimit(createManualClock(), 1);
  limit.note('first');
  for (let index = 0; index < 9_999; index += 1) limit.note(`address-${index}`);
  expect(limit.isExceeded('first')).toBe(true);
  limit.note('one more');
  expect(limit.isExceeded('first')).toBe(false);
  expect(limit.isExceeded('address-0')).toBe(true);
});
