import { TidewireError, formatTopic } from '@tidewire/contract';
import type { Topic } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import type { RightsLog } from './log/rights-log.ts';
import {
  allowedOrigins,
  authenticationPlugin,
  createClientAddress,
  createHttpServer,
  outageAsUnavailable,
} from '@tidewire/service-kit';
import type { HttpServer, HttpServerOptions, Pool } from '@tidewire/service-kit';
import type { PushConfig } from './config.ts';
import type { Notifier } from './notifier.ts';
import { isReadableTopic, unavailable } from '@tidewire/rights';
import { registerCapabilitiesRoute } from './routes/capabilities.ts';
import { registerChangesRoute } from './routes/changes.ts';
import { registerDeviceRoutes } from './routes/devices.ts';
import { registerNextcloudRoutes } from './routes/nextcloud.ts';
import { registerNotificationRoutes } from './routes/notifications.ts';
import { registerPreAuthRoute } from './routes/pre-auth.ts';
import { registerResetRoute } from './routes/reset.ts';
import { registerSelfTestRoutes } from './routes/self-test.ts';
import { isPushSocketRequest, registerSocketsRoute } from './routes/sockets.ts';
import { registerWebhooks } from './routes/webhooks.ts';

/** The notifier's HTTP server; it does not listen. */
export function createServer(
  config: PushConfig,
  options: Pick<HttpServerOptions, 'logger' | 'metrics' | 'clock' | 'ready'>,
  { log, credentials, changes, sockets, preAuth, devices, webhooks, nextcloud, selfTest, reset }: Notifier,
  pool: Pool,
): HttpServer {
  const origins = allowedOrigins(config);
  const addressOf = createClientAddress(config.TIDEWIRE_TRUSTED_PROXIES);
  const publicUrl = config.TIDEWIRE_PUBLIC_URL.replace(/\/+$/, '');
  const app = createHttpServer({ ...options, allowedOrigins: origins, isStream: isPushSocketRequest });
  void app.register(authenticationPlugin, {
    authenticate: (given) => credentials.authenticate(given),
    allowedOrigins: origins,
    basic: true,
    addressOf,
  });
  registerSocketsRoute(app, {
    sockets,
    addressOf,
    requireReady: () => {
      if (!log.fresh) throw unavailable('Nobody can be let in at the moment');
    },
  });
  registerPreAuthRoute(app, { preAuth });
  registerCapabilitiesRoute(app, { publicUrl });
  registerChangesRoute(app, changes);
  registerDeviceRoutes(app, {
    pool,
    clock: options.clock,
    allowPrivate: config.TIDEWIRE_PUSH_PRIVATE_TARGETS,
    post: devices.post,
    publicKey: async () => (await outageAsUnavailable(() => devices.keyring.get())).publicKey,
    follow: (client, principal) => changes.followWith(client, principal),
    requireTopics: (reader, topics) => requireTopics(log, reader, topics),
  });
  registerNextcloudRoutes(app, { users: nextcloud?.users, view: () => log.view });
  registerWebhooks(app, webhooks.registry);
  registerSelfTestRoutes(app, { selfTest, view: () => log.view, addressOf });
  registerResetRoute(app, { view: () => log.view, reset });
  registerNotificationRoutes(app, { changes, view: () => log.view, publicUrl });
  return app;
}

/** @throws TidewireError NOT_FOUND, in the same words for what is absent and for what this reader may not see. */
function requireTopics(
  log: Pick<RightsLog, 'fresh' | 'view'>,
  reader: Reader,
  topics: readonly Topic[],
): void {
  if (!log.fresh) throw unavailable('It is not known at the moment what there is');
  const absent = topics.find((topic) => !isReadableTopic(log.view, reader, topic));
  if (absent !== undefined)
    throw new TidewireError('NOT_FOUND', `There is no topic '${formatTopic(absent)}'`);
}
