import { baseConfig } from '@tidewire/service-kit';
import { z } from 'zod';

/** Settings of the pages service. */
export const configSchema = z.object({
  ...baseConfig.shape,
  TIDEWIRE_PAGES_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('YAML file that defines live pages; read again when it changes. Absent: there are none.'),
});
export type Config = z.infer<typeof configSchema>;
