export { configSchema } from './config.ts';
export type { GatewayConfig } from './config.ts';
export { createService } from './service.ts';
