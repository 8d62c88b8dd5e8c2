import { expect, test } from 'vitest';
import { createTrust } from './edge-trust.ts';

test('names of networks mean their addresses', () => {
  const isTrusted = createTrust('loopback, private,203.0.113.0/24');
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::1', '10.1.1.1', 'fd00::1', '203.0.113.9']) {
    expect(isTrusted(address), address).toBe(true);
  }
  for (const address of ['172.32.0.1', '8.8.8.8', '2001:db8::1', 'loopback', '']) {
    expect(isTrusted(address), address).toBe(false);
  }
  expect(createTrust('')('127.0.0.1')).toBe(false);
});

test.for([
  'everybody',
  'constructor',
  '__proto__',
  '10.0.0.0/33',
  '10.0.0.0/x',
  '10.0.0/8',
  '1.1.1.1/2/3',
  '::/129',
])('refuses %s', (text) => {
  expect(() => createTrust(text)).toThrow(RangeError);
});
