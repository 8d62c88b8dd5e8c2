export { configSchema } from './config.ts';
export type { RecordsConfig } from './config.ts';
export { createService } from './service.ts';
