import {
  baseConfig,
  booleanSetting,
  busConfig,
  databasePoolConfig,
  integerSetting,
  proxyConfig,
} from '@tidewire/service-kit';
import { z } from 'zod';

export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...databasePoolConfig.shape,
  ...proxyConfig.shape,
  TIDEWIRE_EXPIRY_SWEEP_MS: integerSetting(100, 60_000)
    .default(1_000)
    .describe('How often credentials whose time is over are ended in the log, milliseconds.'),
  TIDEWIRE_CHOSEN_TOKENS: booleanSetting()
    .default(false)
    .describe(
      'Whether an administrator may choose the secret of a token, such as demo-alice. For demos only.',
    ),
});
export type AuthzConfig = z.infer<typeof configSchema>;
