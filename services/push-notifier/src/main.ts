import { runService } from '@tidewire/service-kit';
import { configSchema } from './config.ts';
import { createService } from './service.ts';

await runService(createService, configSchema);
