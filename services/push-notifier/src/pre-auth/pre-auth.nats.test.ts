import { PRE_AUTH_BUCKET, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { connectBus, openPreAuthStore, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { systemClock } from '@tidewire/service-kit';
import { startNats } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAdmission, TestSockets } from '../../test/push-socket-harness.ts';
import { PreAuth } from './pre-auth.ts';

/** One of several notifiers: its tokens, and its sockets. */
interface Replica {
  readonly bus: MessageBus;
  readonly preAuth: PreAuth;
  readonly server: TestSockets;
}

let nats: TestNats;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  nats = await startNats({ users: SERVICE_PERMISSIONS });
  [one, two] = await Promise.all([startReplica(), startReplica()]);
});

afterAll(async () => {
  for (const { bus, server } of [one, two]) {
    await server[Symbol.asyncDispose]();
    await bus.close();
  }
  await nats[Symbol.asyncDispose]();
});

async function startReplica(): Promise<Replica> {
  const bus = await connectBus({
    url: nats.urlFor('push-notifier'),
    user: 'push-notifier',
    logger: silentLogger,
  });
  const store = openPreAuthStore(bus, { bucket: PRE_AUTH_BUCKET });
  const preAuth = new PreAuth({ store, clock: systemClock });
  const server = await TestSockets.start({
    redeem: async (token) => {
      const whom = await preAuth.redeem(token);
      return whom && new TestAdmission(whom.principal, whom.credential);
    },
  });
  return { bus, preAuth, server };
}

const whom = { principal: 'alice', credential: 'the-credential-of-alice' };

test('the bucket is made when the first token is asked for, and any replica redeems it', async () => {
  const token = await one.preAuth.issue(whom);
  using client = await two.server.client(['', token, 'listen notify_notification']);
  expect(await client.until(1)).toEqual(['authenticated']);
  expect(two.server.opened.at(-1)).toMatchObject({ principalId: 'alice', credentialId: whom.credential });
});

test('of two replicas that are shown one token at once exactly one lets its client in', async () => {
  for (let round = 0; round < 10; round += 1) {
    const token = await one.preAuth.issue(whom);
    const clients = await Promise.all([one, two].map(({ server }) => server.client(['', token])));
    await Promise.all(clients.map((client) => client.until(1)));
    expect(clients.flatMap(({ texts }) => texts).toSorted()).toEqual([
      'authenticated',
      'err: Invalid credentials',
    ]);
  }
});

test('a token is used up though its socket is not let in', async () => {
  const token = await one.preAuth.issue(whom);
  one.server.mayOpen = () => false;
  using refused = await one.server.client(['', token]);
  expect(await refused.until(1)).toEqual(['err: Invalid credentials']);
  one.server.mayOpen = () => true;
  using again = await one.server.client(['', token]);
  expect(await again.until(1)).toEqual(['err: Invalid credentials']);
});
