import { TidewireError } from '@tidewire/contract';
import { createLogger, createMetrics, systemClock } from '@tidewire/service-kit';
import { compareRoutes } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { configSchema } from './config.ts';
import { createServer } from './server.ts';
import type { ServerDependencies } from './server.ts';

test('the routes are those of the table of operations, and need the credentials that it says', async () => {
  // Nothing behind the routes is reached by who has no credential.
  const nothing = {} as Pick<
    ServerDependencies,
    'pool' | 'writer' | 'credentials' | 'authzMetrics' | 'streams' | 'records'
  >;
  const config = configSchema.partial().parse({});
  await using app = createServer({
    ...nothing,
    config: config as ServerDependencies['config'],
    logger: createLogger({ service: 'authz', level: 'silent' }),
    metrics: createMetrics('authz'),
    clock: systemClock,
    onCredentialEnded: async () => undefined,
    ready: () => true,
    authenticate: async () => {
      throw new TidewireError('UNAUTHORIZED', 'Unknown.');
    },
  });
  expect(await compareRoutes(app, 'authz')).toEqual([]);
});
