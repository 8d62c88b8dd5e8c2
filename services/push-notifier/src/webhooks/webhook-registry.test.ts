import { createLogger, createPool } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { createTestClock } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebhooks } from './webhooks.ts';
import type { Webhooks } from './webhooks.ts';

const bob = { principal: 'bob', credential: null };
const wanted = { name: 'a', topics: ['register/zaken'] };

let pool: Pool;
let webhooks: Webhooks;
beforeAll(() => {
  const logger = createLogger({ service: 'push-notifier', level: 'silent' });
  // Nothing of this gets as far as a database.
  pool = createPool({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', service: 'test', logger });
  webhooks = createWebhooks({
    pool,
    clientsUrl: undefined,
    allowPrivate: false,
    events: { source: 's', typePrefix: 'p' },
    clock: createTestClock(),
    logger,
  });
});
afterAll(() => pool.end());

test.each([
  'http://example.org/',
  'https://127.0.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::ffff:10.0.0.1]/',
  'https://2130706433/',
  'https://localhost/',
  'https://nats.internal/',
  'https://example.org:4222/',
])('%s is refused when it is registered, and named', async (url) => {
  await expect(webhooks.registry.create(bob, { ...wanted, url })).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    errors: [{ field: '/url' }],
  });
});

test('without gateways nothing is registered: nobody knows where its events begin', async () => {
  await expect(
    webhooks.registry.create(bob, { ...wanted, url: 'https://example.org/' }),
  ).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});
