export { configSchema } from './config.ts';
export type { AuthzConfig } from './config.ts';
export { createAuthzMetrics } from './metrics.ts';
export { createService } from './service.ts';
