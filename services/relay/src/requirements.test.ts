import { expect, test } from 'vitest';
import { requireServer } from './requirements.ts';

const maxPayload = 2 * 1024 * 1024;

test.each(['2.12.0', '2.12.1-beta', '2.15.1', '3.0.0'])('nats-server %s is taken', (version) => {
  expect(() => requireServer({ version, maxPayload })).not.toThrow();
});

test.each(['2.11.9', '1.99.0', 'unknown'])('nats-server %s is refused by name', (version) => {
  expect(() => requireServer({ version, maxPayload })).toThrow(`nats-server ${version}`);
});

test('a server whose messages are too small for two images is refused, and the message says what is needed', () => {
  expect(() => requireServer({ version: '2.15.1', maxPayload: 500_000 })).toThrow(
    /500000 bytes; at least 589824/,
  );
});
