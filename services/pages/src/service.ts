import {
  allowedOrigins,
  createHealth,
  drainServer,
  listen,
  resolveDependencies,
} from '@tidewire/service-kit';
import type { CreateService, HttpServer } from '@tidewire/service-kit';
import type { Config } from './config.ts';
import { PageCatalogue } from './definitions/page-catalogue.ts';
import { createServer } from './server.ts';

/** The pages service: a web server for files, apps and definitions of pages, without database or bus. */
export const createService: CreateService<Config> = (config, given) => {
  const { logger, metrics, clock } = resolveDependencies('pages', config, given);
  const health = createHealth();
  const catalogue = new PageCatalogue({ file: config.TIDEWIRE_PAGES_FILE, clock, logger });
  let app: HttpServer | undefined;
  let address: string | undefined;
  return {
    async start() {
      await catalogue.start();
      app = await createServer({
        logger,
        metrics,
        clock,
        allowedOrigins: allowedOrigins(config),
        ready: () => health.ready(),
        catalogue,
      });
      address = await listen(app, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
    },
    ready: () => health.ready(),
    async drain() {
      if (app !== undefined) await drainServer(app, { timeoutMs: config.TIDEWIRE_DRAIN_MS, clock });
    },
    async stop() {
      catalogue.stop();
      if (app !== undefined) await drainServer(app, { timeoutMs: 0, clock });
    },
    get address() {
      return address;
    },
  };
};
