import { expect, test } from 'vitest';
import { createClientAddress, createTrust, proxyConfig } from './client-address.ts';

function from(peer: string | undefined, forwarded?: string) {
  return {
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  };
}

test('without trusted proxies the address is the socket’s, whatever a header says', () => {
  const addressOf = createClientAddress('');
  expect(addressOf(from('198.51.100.7', '10.0.0.1'))).toBe('198.51.100.7');
  expect(addressOf(from('127.0.0.1', '10.0.0.1'))).toBe('127.0.0.1');
});

test('behind trusted proxies the address is what the first of them saw', () => {
  const addressOf = createClientAddress('loopback, 10.0.0.0/8');
  expect(addressOf(from('127.0.0.1', '198.51.100.7'))).toBe('198.51.100.7');
  expect(addressOf(from('::1', '198.51.100.7, 10.1.2.3'))).toBe('198.51.100.7');
  expect(addressOf(from('127.0.0.1', '10.1.2.3'))).toBe('10.1.2.3');
  expect(addressOf(from('127.0.0.1'))).toBe('127.0.0.1');
});

test.for([
  ['an address of one’s own choice', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
  ['the address of a trusted proxy', '10.9.9.9, 198.51.100.7', '198.51.100.7'],
  ['something that is no address', 'evil\u0000, 198.51.100.7', '198.51.100.7'],
  ['ten thousand addresses', `${'1.1.1.1, '.repeat(10_000)}198.51.100.7`, '198.51.100.7'],
])('a client that sends %s in the header gains nothing', ([, forwarded, address]) => {
  expect(createClientAddress('loopback,10.0.0.0/8')(from('127.0.0.1', forwarded))).toBe(address);
});

test('an entry that is no address ends the search at the proxy that sent it', () => {
  const addressOf = createClientAddress('loopback');
  expect(addressOf(from('127.0.0.1', 'unknown'))).toBe('127.0.0.1');
  expect(addressOf(from('127.0.0.1', ''))).toBe('127.0.0.1');
  expect(addressOf(from('127.0.0.1', '<script>'))).toBe('127.0.0.1');
});

test('never looks at more entries than there can be proxies', () => {
  const forwarded = `198.51.100.7${', 127.0.0.1'.repeat(20)}`;
  expect(createClientAddress('loopback')(from('127.0.0.1', forwarded))).toBe('127.0.0.1');
});

test('ports, zones and IPv4 in IPv6 are no part of an address', () => {
  const addressOf = createClientAddress('loopback');
  expect(addressOf(from('::ffff:127.0.0.1', '198.51.100.7:4711'))).toBe('198.51.100.7');
  expect(addressOf(from('127.0.0.1', '[2001:DB8::1]:443'))).toBe('2001:db8::1');
  expect(addressOf(from('fe80::1%eth0'))).toBe('fe80::1');
  expect(addressOf(from(undefined, '198.51.100.7'))).toBe('unknown');
});

test('names of networks mean their addresses, and no name of JavaScript does', () => {
  const isTrusted = createTrust('private, 203.0.113.0/24');
  expect(createTrust('')('127.0.0.1')).toBe(false);
  for (const address of [
    '203.0.113.9',
    '::ffff:127.0.0.1',
    '10.1.1.1',
    '172.31.0.1',
    '192.168.1.1',
    'fd00::1',
    '::1',
  ]) {
    expect(isTrusted(address), address).toBe(true);
  }
  for (const address of ['172.32.0.1', '8.8.8.8', '2001:db8::1', 'private', '']) {
    expect(isTrusted(address), address).toBe(false);
  }
  for (const text of [
    'constructor',
    '__proto__',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0/8',
    '1/2/3',
    '::/129',
  ]) {
    expect(() => createTrust(text), text).toThrow(RangeError);
    expect(proxyConfig.safeParse({ TIDEWIRE_TRUSTED_PROXIES: text }).success, text).toBe(false);
  }
});
