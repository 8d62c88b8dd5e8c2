import { TidewireError } from '@tidewire/contract';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { createServer } from './server.ts';
import type { ServerOptions } from './server.ts';

test('the routes are those of the table of operations, and need the credentials that it says', async () => {
  // Nothing behind the routes is reached by who has no credential.
  const nothing = {} as Pick<ServerOptions, 'catalogue' | 'reader' | 'writer' | 'graphql'>;
  await using app = await createServer({
    ...nothing,
    logger: createLogger({ service: 'records', level: 'silent' }),
    metrics: createMetrics('records'),
    clock: systemClock,
    ready: () => true,
    authenticate: async () => {
      throw new TidewireError('UNAUTHORIZED', 'Unknown.');
    },
    allowedOrigins: [],
  });
  expect(await compareRoutes(app, 'records')).toEqual([]);
});
