import { SERVICE_PERMISSIONS } from '@tidewire/contract';
import { NATS_MAX_PAYLOAD_BYTES, formatNatsUser } from './nats-server-config.ts';

/** The environment variable that holds a service's NATS password: `TIDEWIRE_NATS_FANOUT_GATEWAY_PASSWORD`. */
export function natsPasswordVariable(service: string): string {
  return `TIDEWIRE_NATS_${service.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
}

/** What deploy/nats/nats-server.conf has to be: a test compares them, `vitest -u` writes the file. */
export function formatNatsProductionConfig(): string {
  const users = Object.entries(SERVICE_PERMISSIONS).map(([service, permissions]) =>
    formatNatsUser(service, `$${natsPasswordVariable(service)}`, permissions),
  );
  return `# NATS for Tidewire, one server. Generated from the permissions in libs/contract; see README.md beside it.
server_name: $TIDEWIRE_NATS_SERVER_NAME
host: "0.0.0.0"
port: 4222
http: "0.0.0.0:8222"
max_payload: ${NATS_MAX_PAYLOAD_BYTES}
# Clients are told to go elsewhere for this long before the server ends; stop it with SIGUSR2.
lame_duck_duration: "30s"
lame_duck_grace_period: "2s"
jetstream: {
  store_dir: "/data"
  # Without it an acknowledged message may be in memory only for two minutes.
  sync_interval: always
}
accounts: {
  TIDEWIRE: {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
  }
}
`;
}
