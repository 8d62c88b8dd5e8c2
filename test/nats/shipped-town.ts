import {
  CLIENT_SUBJECTS,
  NATS_ACCOUNTS,
  SUBSCRIBER_LIMITS,
  isInboxOf,
  parseClientSubject,
  queueGroup,
  subscriberPermissions,
} from '@tidewire/contract';
import {
  answerConnects,
  connectBus,
  createAccountKey,
  processClock,
  readAccountKey,
  silentLogger,
} from '@tidewire/messaging';
import type { AdmittedUser } from '@tidewire/messaging';
import { NatsSocket, startShippedNats } from '@tidewire/test-kit';
import type { NatsSocketOptions, ShippedNats } from '@tidewire/test-kit';

/** Who gets in with which token. */
const PRINCIPALS = new Map([
  ['token-of-alice', 'alice'],
  ['token-of-bob', 'bob'],
]);
const LIFE_MS = 900_000;

/** A server with the configuration that is shipped, a callout that knows two subscribers, and somebody who answers feeds. */
export interface ShippedTown extends AsyncDisposable {
  readonly nats: ShippedNats;
  /** Subjects of the requests that reached the gateway. */
  readonly asked: readonly string[];
  connect(options: Omit<NatsSocketOptions, 'port'>): Promise<NatsSocket>;
  connectSubscriber(principal: 'alice' | 'bob'): Promise<NatsSocket>;
  /** A user of the configuration, with its password. */
  connectUser(user: string): Promise<NatsSocket>;
}

function admit(token: string | undefined): AdmittedUser | undefined {
  const principal = PRINCIPALS.get(token ?? '');
  if (principal === undefined) return undefined;
  return {
    name: `${principal}/test`,
    account: NATS_ACCOUNTS.clients,
    expiresAtMs: Date.now() + LIFE_MS,
    permissions: subscriberPermissions({ principal, credential: null }),
    maxSubscriptions: SUBSCRIBER_LIMITS.subscriptions,
    maxPayloadBytes: SUBSCRIBER_LIMITS.payloadBytes,
  };
}

export async function startShippedTown(): Promise<ShippedTown> {
  const { seed, publicKey } = createAccountKey();
  const nats = await startShippedNats({ calloutIssuer: publicKey });
  const bus = await connectBus({
    url: nats.urlFor('authz-callout'),
    user: 'authz-callout',
    logger: silentLogger,
  });
  const stopCallout = answerConnects(bus, {
    key: readAccountKey(seed),
    queue: queueGroup('authz'),
    clock: processClock,
    decide: ({ token, password }) => Promise.resolve(admit(token ?? password)),
  });
  const connect: ShippedTown['connect'] = (options) => NatsSocket.connect({ ...options, port: nats.port });
  const connectUser: ShippedTown['connectUser'] = (user) =>
    connect({ user, password: nats.passwordFor(user), inbox: `_INBOX_${user}` });
  const asked: string[] = [];
  const gateway = await connectUser('fanout-gateway-clients');
  gateway.handle(`${CLIENT_SUBJECTS.feed}.*`, queueGroup('fanout-gateway'), ({ subject, reply }) => {
    asked.push(subject);
    const address = parseClientSubject(subject);
    if (address !== undefined && isInboxOf(address, reply)) gateway.publish(reply, `for ${subject}`);
  });
  await gateway.flush();
  return {
    nats,
    asked,
    connect,
    connectUser,
    connectSubscriber: (principal) =>
      connect({ token: `token-of-${principal}`, inbox: `_INBOX.${principal}` }),
    [Symbol.asyncDispose]: async () => {
      gateway[Symbol.dispose]();
      await stopCallout();
      await bus.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}
