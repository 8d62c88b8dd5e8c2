import { baseConfig, busConfig, databaseConfig, integerSetting, replicasConfig } from '@tidewire/service-kit';
import { z } from 'zod';

/** The settings of the relay. `DATABASE_URL` must lead to PostgreSQL itself, not to a pooler. */
export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...databaseConfig.shape,
  TIDEWIRE_LOG_MAX_AGE_MS: integerSetting(60_000, 30 * 86_400_000)
    .default(86_400_000)
    .describe('How long events stay in the log and can be replayed, milliseconds.'),
  TIDEWIRE_LOG_MAX_BYTES: integerSetting(1024 * 1024, Number.MAX_SAFE_INTEGER)
    .default(1024 * 1024 * 1024)
    .describe('How large the log may become before its oldest events go, bytes.'),
  ...replicasConfig.shape,
  TIDEWIRE_RELAY_POLL_MS: integerSetting(5, 10_000)
    .default(100)
    .describe(
      'How often the outbox is looked at for writers that do not signal their commits, milliseconds.',
    ),
});

export type Config = z.output<typeof configSchema>;
