import {
  CLIENT_SIDE_PERMISSIONS,
  NATS_ACCOUNTS,
  SYSTEM_PERMISSIONS,
  subscriberPermissions,
} from '@tidewire/contract';
import {
  answerConnects,
  connectBus,
  createAccountKey,
  eachConnection,
  endConnections,
  processClock,
  readAccountKey,
  silentLogger,
} from '@tidewire/messaging';
import { NatsSocket, startNatsCluster } from '@tidewire/test-kit';
import { expect, test } from 'vitest';

test('connections at every server of joined clusters are let in, found and ended from one of them', async () => {
  const key = readAccountKey(createAccountKey().seed);
  await using cluster = await startNatsCluster({
    nodes: [2, 1],
    clients: CLIENT_SIDE_PERMISSIONS,
    system: SYSTEM_PERMISSIONS,
    calloutIssuer: key.publicKey,
  });
  const [first] = cluster.nodes;
  const url = first?.urlFor('authz-callout') ?? '';
  await using bus = await connectBus({ url, user: 'authz-callout', logger: silentLogger });
  answerConnects(bus, {
    key,
    queue: 'authz',
    clock: processClock,
    decide: async ({ token = '' }) => ({
      name: `alice/${token}`,
      account: NATS_ACCOUNTS.clients,
      expiresAtMs: Date.now() + 60_000,
      permissions: subscriberPermissions({ principal: 'alice', credential: null }),
      maxSubscriptions: 50,
      maxPayloadBytes: 65_536,
    }),
  });
  const sockets = await Promise.all(
    cluster.nodes.map(({ name, port }) => NatsSocket.connect({ port, token: name })),
  );
  const found: string[] = [];
  await eachConnection(bus, { account: NATS_ACCOUNTS.clients, quietMs: 2000 }, async (page) => {
    found.push(...page.map(({ user }) => user));
    await endConnections(bus, page);
  });
  expect(found.toSorted()).toEqual(['alice/nats-1', 'alice/nats-2', 'alice/nats-3']);
  await Promise.all(sockets.map((socket) => socket.untilEnded()));
});
