export { configSchema } from './config.ts';
export type { PushConfig } from './config.ts';
export { createService } from './service.ts';
