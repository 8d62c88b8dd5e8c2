import { NATS_ACCOUNTS } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCalloutServer, userOf } from '../test/callout-server.ts';
import type { CalloutServer } from '../test/callout-server.ts';
import { answerConnects } from './auth-callout.ts';
import { BusUnavailableError } from './bus-error.ts';
import { eachConnection, endConnections } from './client-connections.ts';
import type { ClientConnection, ConnectionQuery } from './client-connections.ts';
import { processClock } from './clock.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';

let server: CalloutServer;
beforeAll(async () => {
  server = await startCalloutServer();
  answerConnects(server.bus, {
    key: server.key,
    queue: 'authz',
    clock: processClock,
    decide: async ({ token = '' }) => userOf(token),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

async function list(query: Partial<ConnectionQuery> = {}): Promise<ClientConnection[]> {
  const found: ClientConnection[] = [];
  await eachConnection(server.bus, { account: NATS_ACCOUNTS.clients, quietMs: 50, ...query }, (page) => {
    found.push(...page);
  });
  return found;
}

const users = (connections: readonly ClientConnection[]): string[] =>
  connections.map(({ user }) => user).toSorted();

test('finds the connections of the account, all or of one user, and ends those it is told to', async () => {
  const a = await server.connect({ token: 'alice/1' });
  const b = await server.connect({ token: 'alice/2' });
  expect(users(await list())).toEqual(['alice/1', 'alice/2']);
  expect(users(await list({ user: 'alice' }))).toEqual([]);
  const [only, ...others] = await list({ user: 'alice/1' });
  expect(others).toEqual([]);
  if (only === undefined) throw new Error('the connection was not found');
  await endConnections(server.bus, [only, only]);
  await a.closed();
  expect(users(await list())).toEqual(['alice/2']);
  await b.close();
  // Gone already.
  await endConnections(server.bus, [only]);
});

test('passes over none of many while those of a page are ended', async () => {
  const clients = await Promise.all(
    Array.from({ length: 25 }, (_, index) => server.connect({ token: `many/${index}` })),
  );
  const seen = new Set<string>();
  const query = { account: NATS_ACCOUNTS.clients, quietMs: 50, pageSize: 10 };
  await eachConnection(server.bus, query, async (page) => {
    expect(page.length).toBeLessThanOrEqual(10);
    for (const { user } of page) seen.add(user);
    await endConnections(server.bus, page);
  });
  expect(seen.size).toBe(25);
  await Promise.all(clients.map((client) => client.closed()));
  expect(await list()).toEqual([]);
});

test('says that nobody answers rather than that nobody is connected', async () => {
  const url = server.nats.urlFor('records-clients');
  await using bus = await connectBus({ url, user: 'records-clients', logger: silentLogger });
  const query = { account: NATS_ACCOUNTS.clients, quietMs: 50 };
  await expect(eachConnection(bus, query, () => undefined)).rejects.toThrow(BusUnavailableError);
});
