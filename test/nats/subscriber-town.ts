import { CLIENT_SIDE_PERMISSIONS, SERVICE_PERMISSIONS, SYSTEM_PERMISSIONS } from '@tidewire/contract';
import { NatsSocket, startNatsCluster } from '@tidewire/test-kit';
import type { NatsSocketOptions, StartNatsClusterOptions, TestNatsCluster } from '@tidewire/test-kit';
import { createCalloutKey, startSmallCallout } from './small-callout.ts';
import type { SmallCallout } from './small-callout.ts';

/** Tokens that the callout knows. */
export const TOKENS = Object.freeze({
  'token-of-alice': { principal: 'alice', credential: null },
  'token-of-bob': { principal: 'bob', credential: null },
});
export type Subscriber = 'alice' | 'bob';

/** A cluster with the users of the contract, where every server asks one callout, and a gateway answers at another one. */
export interface SubscriberTown extends AsyncDisposable {
  readonly cluster: TestNatsCluster;
  readonly callout: SmallCallout;
  /** What the gateway of the test was asked. */
  readonly asked: readonly { readonly subject: string; readonly reply: string; readonly bytes: number }[];
  /** Connects a user of the configuration at a server. */
  connectUser(index: number, user: string): Promise<NatsSocket>;
  connectSubscriber(index: number, subscriber: Subscriber): Promise<NatsSocket>;
}

/** Where the gateway of the test is connected, and the callout. */
export interface TownPlan extends Pick<StartNatsClusterOptions, 'nodes' | 'leafNodes'> {
  readonly gatewayAt: number;
  readonly calloutAt: number;
}

export async function startSubscriberTown(plan: TownPlan): Promise<SubscriberTown> {
  const { gatewayAt, calloutAt, ...layout } = plan;
  const key = createCalloutKey();
  const cluster = await startNatsCluster({
    ...layout,
    users: SERVICE_PERMISSIONS,
    clients: CLIENT_SIDE_PERMISSIONS,
    system: SYSTEM_PERMISSIONS,
    calloutIssuer: key.publicKey,
  });
  const loginOf = (index: number, user: string): NatsSocketOptions & { user: string; password: string } => ({
    port: cluster.nodes[index]?.port ?? 0,
    user,
    password: cluster.passwordFor(user),
    inbox: `_INBOX_${user}`,
  });
  const connectUser = (index: number, user: string): Promise<NatsSocket> =>
    NatsSocket.connect(loginOf(index, user));
  const callout = await startSmallCallout({
    login: loginOf(calloutAt, 'authz-callout'),
    key,
    tokens: TOKENS,
  });
  const asked: { subject: string; reply: string; bytes: number }[] = [];
  const gateway = await connectUser(gatewayAt, 'fanout-gateway-clients');
  gateway.handle('feed.v1.next.*', 'gateway', ({ subject, reply, data }) => {
    asked.push({ subject, reply, bytes: data.length });
    gateway.publish(reply, `for ${subject}`);
  });
  await gateway.flush();
  return {
    cluster,
    callout,
    asked,
    connectUser,
    connectSubscriber: (index, subscriber) =>
      NatsSocket.connect({
        port: cluster.nodes[index]?.port ?? 0,
        token: `token-of-${subscriber}`,
        inbox: `_INBOX.${subscriber}`,
      }),
    [Symbol.asyncDispose]: async () => {
      gateway[Symbol.dispose]();
      callout[Symbol.dispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
