import { baseConfig } from '@tidewire/service-kit';
import { z } from 'zod';

/** Settings of the pages service: only what every service has. */
export const configSchema = z.object({ ...baseConfig.shape });
export type Config = z.infer<typeof configSchema>;
