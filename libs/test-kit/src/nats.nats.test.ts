import { SERVICE_PERMISSIONS } from '@tidewire/contract';
import { connectBus } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { startNats } from './nats.ts';
import { waitFor } from './wait-for.ts';

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('the addresses let their users in, before and after a crash, and nobody else', async () => {
  await using nats = await startNats({ users: SERVICE_PERMISSIONS });
  await using bus = await connectBus({ url: nats.urlFor('authz'), user: 'authz', logger });
  expect(bus.server.maxPayload).toBe(2 * 1024 * 1024);
  await nats.kill();
  await waitFor(() => !bus.connected, { what: 'the bus notices the crash' });
  await nats.restart();
  await waitFor(() => bus.connected, { what: 'the bus is connected again' });
  const wrong = nats.urlFor('authz').replace(nats.credentialsFor('authz').password, 'wrong');
  await expect(connectBus({ url: wrong, user: 'authz', logger, connectTimeoutMs: 500 })).rejects.toThrow();
});

test('refuses to make up an address for a user that the server does not have', async () => {
  await using nats = await startNats();
  expect(nats.url).toBe(nats.urlFor('test'));
  expect(() => nats.urlFor('relay')).toThrow('This server has no user relay');
});
