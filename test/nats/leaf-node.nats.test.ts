import { NatsSocket, startNatsLeaf, waitFor } from '@tidewire/test-kit';
import type { TestNatsLeaf } from '@tidewire/test-kit';
import { SUBSCRIBER_LIMITS } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSubscriberTown } from './subscriber-town.ts';
import type { SubscriberTown } from './subscriber-town.ts';

/**
 * What NATS really does with leaf nodes: they are asked about like clients and get the rights of the credential that they
 * show, and its bounds, without a word to whoever is beyond them. No shipped configuration takes them
 * (docs/operations/nats.md); the one of this test does, and its callout lets them in.
 */
let town: SubscriberTown;
let leaf: TestNatsLeaf;

beforeAll(async () => {
  town = await startSubscriberTown({ nodes: 2, leafNodes: true, gatewayAt: 1, calloutAt: 1 });
  leaf = await startNatsLeaf({
    port: town.cluster.nodes[0]?.leafNodePort ?? 0,
    credential: 'token-of-alice',
  });
});
afterAll(async () => {
  await leaf[Symbol.asyncDispose]();
  await town[Symbol.asyncDispose]();
});

/** A client of the partner's own server, who may do everything there. */
async function connectLocal(): Promise<NatsSocket> {
  const { user, password } = leaf.credentials;
  const local = await NatsSocket.connect({ port: leaf.port, user, password, inbox: '_INBOX.alice' });
  await waitFor(async () => (await local.request('feed.v1.next.alice')).headers.get('Status') !== '503', {
    what: 'the leaf node is connected',
    timeoutMs: 10_000,
  });
  return local;
}

test('the callout is asked about a leaf node, and told that it is one', async () => {
  using _local = await connectLocal();
  const kinds = town.callout.questions.map(({ client_info: client }) => client.kind);
  expect(kinds).toContain('Leafnode');
});

test('whoever is behind a leaf node is that one subscriber: it can ask and hear as nobody else', async () => {
  using bob = await town.connectSubscriber(0, 'bob');
  using local = await connectLocal();
  const before = town.asked.length;
  const heard = [
    local.subscribe('_INBOX.bob.>'),
    local.subscribe('_INBOX.>'),
    local.subscribe('feed.v1.next.bob'),
  ];
  for (const subject of ['feed.v1.next.bob', '$SYS.REQ.SERVER.PING.CONNZ', 'feed.v1.ack.bob.gateway.x'])
    local.publish(subject, 'from behind the leaf', '_INBOX.alice.x');
  await local.flush();
  expect((await bob.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
  expect((await local.request('feed.v1.next.alice')).data).toBe('for feed.v1.next.alice');
  expect(town.asked.slice(before).map(({ subject }) => subject)).toEqual([
    'feed.v1.next.bob',
    'feed.v1.next.alice',
  ]);
  // It hears itself and its own server, which is its owner's affair: nothing that bob was told, nothing that he asked.
  const heardOfBob = heard.flatMap(({ messages }) => messages).filter(({ data }) => data.endsWith('bob'));
  expect(heardOfBob).toEqual([]);
});

test('what is listened to behind a leaf node beyond the bound is dropped without a word, which is why none are taken', async () => {
  using local = await connectLocal();
  const heard = Array.from({ length: SUBSCRIBER_LIMITS.subscriptions + 1 }, (_, index) =>
    local.subscribe(`_INBOX.alice.${index}`),
  );
  await local.flush();
  expect(local.refusals).toEqual([]);
  // The last one asks first: when the first one was answered, the last one was or never will be.
  for (const index of [...heard.keys()].toReversed())
    local.publish('feed.v1.next.alice', '{}', `_INBOX.alice.${index}`);
  await heard[0]?.until(1);
  expect(heard.at(-1)?.messages).toEqual([]);
});

test('authz sees a leaf node among the connections and can end it', async () => {
  using _local = await connectLocal();
  using authz = await town.connectUser(1, 'authz-callout');
  const answers = authz.subscribe('_INBOX_authz-callout.list');
  authz.publish('$SYS.REQ.SERVER.PING.CONNZ', '{"auth":true,"acc":"CLIENTS"}', '_INBOX_authz-callout.list');
  const found = (await answers.until(2))
    .map(({ data }) => JSON.parse(data) as { server: { id: string }; data: { connections: Connection[] } })
    .flatMap(({ server, data }) =>
      data.connections.map((connection) => ({ ...connection, server: server.id })),
    )
    .find(({ kind }) => kind === 'Leafnode');
  expect(found?.authorized_user).toBe('alice/test');
  const asked = town.callout.questions.length;
  await authz.request(`$SYS.REQ.SERVER.${found?.server}.KICK`, JSON.stringify({ cid: found?.cid }));
  await waitFor(() => town.callout.questions.length > asked, { what: 'the leaf node connects anew' });
});

interface Connection {
  readonly cid: number;
  readonly kind: string;
  readonly authorized_user: string;
}
