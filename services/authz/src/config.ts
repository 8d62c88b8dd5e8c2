import {
  baseConfig,
  booleanSetting,
  busConfig,
  databasePoolConfig,
  integerSetting,
  proxyConfig,
  natsServers,
  secret,
} from '@tidewire/service-kit';
import { z } from 'zod';

const DAY_MS = 86_400_000;

export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...databasePoolConfig.shape,
  ...proxyConfig.shape,
  TIDEWIRE_EXPIRY_SWEEP_MS: integerSetting(100, 60_000)
    .default(1_000)
    .describe('How often credentials whose time is over are ended in the log, milliseconds.'),
  TIDEWIRE_SESSION_IDLE_MS: integerSetting(1_000, 90 * DAY_MS)
    .default(DAY_MS / 2)
    .describe('How long a session lasts without being used, milliseconds.'),
  TIDEWIRE_SESSION_MAX_AGE_MS: integerSetting(1_000, 365 * DAY_MS)
    .default(7 * DAY_MS)
    .describe('How long a session lasts however much it is used, milliseconds.'),
  TIDEWIRE_PASSWORD_MIN_LENGTH: integerSetting(4, 128)
    .default(12)
    .describe('Characters that a new password has at least.'),
  TIDEWIRE_FAILED_LOGINS_PER_USER: integerSetting(1, 10_000)
    .default(10)
    .describe('Logins that may fail in a minute for one name from one address, over all replicas.'),
  TIDEWIRE_FAILED_LOGINS_PER_ADDRESS: integerSetting(1, 100_000)
    .default(60)
    .describe('Logins that may fail in a minute from one address, over all replicas.'),
  TIDEWIRE_CALLOUT_NATS_URL: natsServers()
    .optional()
    .describe(
      'NATS servers as nats://user:password@host:port; the user is authz-callout of the system account. Absent: nobody is let in to subscribe on NATS.',
    ),
  TIDEWIRE_CALLOUT_SEED: secret(z.string().regex(/^SA[A-Z2-7]{56}$/, 'must be the seed of an account key'))
    .optional()
    .describe("Seed of the key that the servers' auth_callout.issuer is the public half of."),
  TIDEWIRE_NATS_USER_TTL_S: integerSetting(5, 86_400)
    .default(900)
    .describe(
      'How long a subscriber stays connected to NATS before it has to show its token again, seconds.',
    ),
  TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS: integerSetting(1, 100_000)
    .default(60)
    .describe('Connections to NATS that may fail in a minute from one address, per replica.'),
  TIDEWIRE_CHOSEN_TOKENS: booleanSetting()
    .default(false)
    .describe(
      'Whether an administrator may choose the secret of a token, such as demo-alice. For demos only.',
    ),
});
export type AuthzConfig = z.infer<typeof configSchema>;
