import { TidewireError } from '@tidewire/contract';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { createServer } from './server.ts';
import type { ServerOptions } from './server.ts';

test('the routes are those of the table of operations, and need the credentials that it says', async () => {
  const ready = (): void => {};
  // Nothing behind the routes is reached by who has no credential.
  const nothing = { opener: { requireReady: ready } } as unknown as ServerOptions;
  await using app = createServer({
    ...nothing,
    logger: createLogger({ service: 'fanout-gateway', level: 'silent' }),
    metrics: createMetrics('fanout-gateway'),
    clock: systemClock,
    ready: () => true,
    requireReady: ready,
    requireRights: ready,
    addressOf: () => 'unknown',
    anonymousStreams: false,
    allowedOrigins: [],
    onRefusal: () => {},
    retryMs: () => 1000,
    admit: async () => {
      throw new TidewireError('UNAUTHORIZED', 'Unknown.');
    },
  });
  expect(await compareRoutes(app, 'fanout-gateway')).toEqual([]);
});
