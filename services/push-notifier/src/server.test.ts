import { TidewireError } from '@tidewire/contract';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { configSchema } from './config.ts';
import type { Notifier } from './notifier.ts';
import { createServer } from './server.ts';

test('the routes are those of the table of operations, and need the credentials that it says', async () => {
  // Nothing behind the routes is reached by who has no credential.
  const notifier = {
    log: { fresh: true },
    webhooks: { registry: {} },
    devices: { keyring: { get: async () => await Promise.resolve({ publicKey: 'key' }) } },
    credentials: {
      authenticate: async () => {
        throw new TidewireError('UNAUTHORIZED', 'Unknown.');
      },
    },
  } as unknown as Notifier;
  const config = configSchema.parse({
    NATS_URL: 'nats://push-notifier:secret@127.0.0.1:4222',
    DATABASE_URL: 'postgres://tidewire_push:secret@127.0.0.1:5432/tidewire',
  });
  const options = {
    logger: createLogger({ service: 'push-notifier', level: 'silent' }),
    metrics: createMetrics('push-notifier'),
    clock: systemClock,
    ready: () => true as const,
  };
  await using app = createServer(config, options, notifier, {} as Pool);
  expect(await compareRoutes(app, 'push-notifier')).toEqual([]);
});
