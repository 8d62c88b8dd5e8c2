import { connectBus } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { createHealth, createPool, drainServer, listen, resolveDependencies } from '@tidewire/service-kit';
import type { Clock, CreateService, HttpServer } from '@tidewire/service-kit';
import type { PushConfig } from './config.ts';
import { createNotifier } from './notifier.ts';
import type { Notifier } from './notifier.ts';
import { createServer } from './server.ts';

/** Composes the notifier. Sockets are closed first when it drains: their clients come back to another one. */
export const createService: CreateService<PushConfig> = (config, given) => {
  const dependencies = resolveDependencies('push-notifier', config, given);
  const { logger, clock } = dependencies;
  const health = createHealth();
  const pool = createPool({
    databaseUrl: config.DATABASE_URL,
    service: 'push-notifier',
    logger,
    maxConnections: config.TIDEWIRE_DATABASE_CONNECTIONS,
  });
  let draining = false;
  let bus: MessageBus | undefined;
  let notifier: Notifier | undefined;
  let app: HttpServer | undefined;
  let address: string | undefined;
  health.add('draining', () => (draining ? 'told to stop' : true));
  health.add(
    'changes',
    () => notifier?.worker.began === true || 'it is not known from where on changes are written down',
  );
  health.add('log', () => notifier?.log.fresh === true || 'not level with the event log');

  return {
    get address() {
      return address;
    },
    ready: () => health.ready(),
    async start() {
      bus = await connectBus({ url: config.NATS_URL, user: 'push-notifier', logger });
      notifier = createNotifier(config, { ...dependencies, bus, pool });
      app = createServer(config, { ...dependencies, ready: () => health.ready() }, notifier, pool);
      address = await listen(app, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
      void notifier.start().catch((error: unknown) => logger.error('the notifier failed', { error }));
    },
    async drain() {
      draining = true;
      notifier?.sockets.endAll();
      // What is on its way comes back to another one if it does not end in time.
      await within(clock, config.TIDEWIRE_DRAIN_MS, notifier?.webhooks.drain());
      if (app !== undefined) await drainServer(app, { timeoutMs: config.TIDEWIRE_DRAIN_MS, clock });
    },
    async stop() {
      await notifier?.stop();
      if (app !== undefined) await drainServer(app, { timeoutMs: 0, clock });
      await bus?.close();
      await pool.end();
    },
  };
};

/** Waits for work, but not longer than so. */
async function within(
  clock: Pick<Clock, 'setTimeout'>,
  limitMs: number,
  work: Promise<void> | undefined,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, limitMs);
  await Promise.race([work, promise]);
  timer.cancel();
}
