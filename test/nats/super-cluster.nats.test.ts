import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { startSubscriberTown } from './subscriber-town.ts';

test('a subscriber in one cluster is admitted and answered from another one, over gateways, and is nobody else there', async () => {
  await using town = await startSubscriberTown({ nodes: [2, 2], gatewayAt: 3, calloutAt: 2 });
  using alice = await town.connectSubscriber(0, 'alice');
  using bob = await town.connectSubscriber(2, 'bob');
  const stolen = [alice.subscribe('_INBOX.bob.>'), alice.subscribe('>')];
  // Clusters tell each other what is listened to only when something is sent there first.
  await waitFor(async () => (await alice.request('feed.v1.next.alice')).data === 'for feed.v1.next.alice', {
    what: 'the gateway of the other cluster answers',
    timeoutMs: 10_000,
  });
  alice.publish('feed.v1.next.bob', '{}', '_INBOX.alice.x');
  await alice.flush();
  expect(alice.refusals).toHaveLength(3);
  expect((await bob.request('feed.v1.next.bob')).data).toBe('for feed.v1.next.bob');
  expect(town.asked.filter((question) => question.subject.endsWith('bob'))).toHaveLength(1);
  expect(stolen.flatMap(({ messages }) => messages)).toEqual([]);
  expect(town.callout.questions.map(({ server_id: server }) => server.name)).toEqual(['nats-1', 'nats-3']);

  using authz = await town.connectUser(2, 'authz-callout');
  const answers = authz.subscribe('_INBOX_authz-callout.list');
  authz.publish('$SYS.REQ.SERVER.PING.CONNZ', '{"auth":true,"acc":"CLIENTS"}', '_INBOX_authz-callout.list');
  const found = (await answers.until(4))
    .map(({ data }) => JSON.parse(data) as Listing)
    .flatMap(({ server, data }) =>
      data.connections.map((connection) => ({ ...connection, server: server.id })),
    )
    .find(({ authorized_user: user }) => user === 'alice/test');
  await authz.request(`$SYS.REQ.SERVER.${found?.server}.KICK`, JSON.stringify({ cid: found?.cid }));
  await alice.untilEnded();
});

interface Listing {
  readonly server: { readonly id: string };
  readonly data: {
    readonly connections: readonly { readonly cid: number; readonly authorized_user: string }[];
  };
}
