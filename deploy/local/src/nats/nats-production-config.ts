import {
  CLIENT_SIDE_PERMISSIONS,
  NATS_ACCOUNTS,
  SERVICE_PERMISSIONS,
  SYSTEM_PERMISSIONS,
} from '@tidewire/contract';
import type { NatsAccount, SubjectPermissions } from '@tidewire/contract';
import {
  NATS_MAX_LINE,
  NATS_MAX_PAYLOAD_BYTES,
  formatAccount,
  formatNatsUser,
} from './nats-server-config.ts';

/** Every user of the file, by account. */
export const PRODUCTION_USERS: Readonly<Record<NatsAccount, Readonly<Record<string, SubjectPermissions>>>> =
  Object.freeze({
    platform: SERVICE_PERMISSIONS,
    clients: CLIENT_SIDE_PERMISSIONS,
    system: SYSTEM_PERMISSIONS,
  });

/** The environment variable that holds the public key of who issues the users of subscribers. */
export const CALLOUT_ISSUER_VARIABLE = 'TIDEWIRE_NATS_CALLOUT_ISSUER';

/** The environment variable that holds a service's NATS password: `TIDEWIRE_NATS_FANOUT_GATEWAY_PASSWORD`. */
export function natsPasswordVariable(service: string): string {
  return `TIDEWIRE_NATS_${service.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
}

/**
 * Subscribers are many and not ours: over all servers of a cluster they get half of what one server takes, so that
 * services always come in. Leaf nodes are none of those whom the callout decides about.
 */
const CLIENTS_LIMITS = ', max_connections: 5000, max_leafnodes: 0';

/** What deploy/nats/nats-server.conf has to be: a test compares them, `vitest -u` writes the file. */
export function formatNatsProductionConfig(): string {
  const accounts = (Object.keys(PRODUCTION_USERS) as NatsAccount[]).map((account) =>
    formatAccount(
      account,
      Object.entries(PRODUCTION_USERS[account]).map(([user, permissions]) =>
        formatNatsUser(user, `$${natsPasswordVariable(user)}`, permissions),
      ),
      CLIENTS_LIMITS,
    ),
  );
  const names = Object.values(PRODUCTION_USERS).flatMap((users) => Object.keys(users));
  return `# NATS for Tidewire: what every server has; tls.conf and cluster.conf include it. Generated from the permissions in libs/contract; see README.md beside it.
server_name: $TIDEWIRE_NATS_SERVER_NAME
host: "0.0.0.0"
port: 4222
# Monitoring asks nobody who they are: for who is on the same host (in the same container) only.
http: "127.0.0.1:8222"
max_payload: ${NATS_MAX_PAYLOAD_BYTES}
# Against floods: what one server takes at all, what one connection takes, and how long one may be silent or not read.
max_connections: 10000
max_subscriptions: 1000
# A token of 8 KiB fits into one line.
max_control_line: ${NATS_MAX_LINE}
write_deadline: "10s"
ping_interval: "20s"
ping_max: 2
# Clients are told to go elsewhere for this long before the server ends; stop it with SIGUSR2.
lame_duck_duration: "30s"
lame_duck_grace_period: "2s"
jetstream: {
  store_dir: $TIDEWIRE_NATS_STORE_DIR
  # The buckets of connections, presence, streams and groups; the log is on disk.
  max_memory_store: 1GB
  # Without it an acknowledged message may be in memory only for two minutes.
  sync_interval: always
}
accounts: {
${accounts.join('\n')}
}
system_account: ${NATS_ACCOUNTS.system}
# Whoever is no user of this file is asked about: authz answers with a user of the clients' account, or refuses.
authorization: {
  timeout: 5
  auth_callout: {
    issuer: $${CALLOUT_ISSUER_VARIABLE}
    account: ${NATS_ACCOUNTS.system}
    auth_users: [${names.map((name) => `"${name}"`).join(', ')}]
  }
}
`;
}
