import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { authenticationPlugin } from './authentication.ts';
import { systemClock } from './clock.ts';
import type { GivenCredential } from './credential.ts';
import { createHttpServer } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

/** A server that refuses everybody and notes what it was shown. */
async function startServer(basic?: boolean): Promise<{ app: HttpServer; shown: GivenCredential[] }> {
  const shown: GivenCredential[] = [];
  const app = createHttpServer({
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    clock: systemClock,
    ready: () => true,
  });
  await app.register(authenticationPlugin, {
    allowedOrigins: [],
    ...(basic !== undefined && { basic }),
    addressOf: () => '198.51.100.7',
    authenticate: async (credential) => {
      shown.push(credential);
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    },
  });
  app.get('/thing', async () => 'seen');
  return { app, shown };
}

const authorization = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

test('Basic is asked for, and taken, only where a service reads it', async () => {
  const { app, shown } = await startServer(true);
  await using _server = app;
  for (const headers of [{}, { authorization }]) {
    const answer = await app.inject({ url: '/thing', headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="tidewire", Basic realm="tidewire", charset="UTF-8"',
    );
    expect(answer.body).not.toContain('secret');
  }
  expect(shown).toEqual([
    { type: 'basic', secret: 'alice:secret', source: 'basic', address: '198.51.100.7' },
  ]);
});

test('elsewhere Basic is malformed, and only Bearer is asked for', async () => {
  const { app, shown } = await startServer();
  await using _server = app;
  const answer = await app.inject({ url: '/thing', headers: { authorization } });
  expect([answer.statusCode, shown]).toEqual([400, []]);
  expect((await app.inject('/thing')).headers['www-authenticate']).toBe('Bearer realm="tidewire"');
});
