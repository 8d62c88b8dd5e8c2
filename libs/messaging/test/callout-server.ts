import { CLIENT_SIDE_PERMISSIONS, NATS_ACCOUNTS, SYSTEM_PERMISSIONS } from '@tidewire/contract';
import { startNats } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { connect } from '@nats-io/transport-node';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { createAccountKey, readAccountKey } from '../src/account-key.ts';
import type { AccountKey } from '../src/account-key.ts';
import type { AdmittedUser } from '../src/auth-callout.ts';
import { silentLogger } from '../src/logger.ts';
import { connectBus } from '../src/message-bus.ts';
import type { MessageBus } from '../src/message-bus.ts';

/** A server that asks about whoever it does not know, and the connection of who answers. */
export interface CalloutServer extends AsyncDisposable {
  readonly nats: TestNats;
  readonly key: AccountKey;
  /** In the system account, with no more permissions than authz has. */
  readonly bus: MessageBus;
  /** As a client that reconnects to nobody. Ended with the server. */
  readonly connect: (options: ConnectionOptions) => Promise<NatsConnection>;
}

export async function startCalloutServer(): Promise<CalloutServer> {
  const key = readAccountKey(createAccountKey().seed);
  const nats = await startNats({
    clients: CLIENT_SIDE_PERMISSIONS,
    system: SYSTEM_PERMISSIONS,
    calloutIssuer: key.publicKey,
  });
  const bus = await connectBus({
    url: nats.urlFor('authz-callout'),
    user: 'authz-callout',
    logger: silentLogger,
  });
  const clients: NatsConnection[] = [];
  return {
    nats,
    key,
    bus,
    connect: async (options) => {
      const client = await connect({ servers: `127.0.0.1:${nats.port}`, reconnect: false, ...options });
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await bus.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

/** A user who may listen to its own inbox for a minute and no more. */
export function userOf(name: string, more: Partial<AdmittedUser> = {}): AdmittedUser {
  return {
    name,
    account: NATS_ACCOUNTS.clients,
    expiresAtMs: Date.now() + 60_000,
    permissions: { publish: [], subscribe: [`_INBOX.${name}.>`] },
    maxSubscriptions: 5,
    maxPayloadBytes: 1024,
    ...more,
  };
}
