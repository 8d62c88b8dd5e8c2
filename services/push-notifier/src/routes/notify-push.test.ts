import { TidewireError, capabilitiesSchema } from '@tidewire/contract';
import type { PreAuthorisation } from '@tidewire/contract';
import {
  authenticationPlugin,
  createHttpServer,
  createLogger,
  createManualClock,
  createMetrics,
} from '@tidewire/service-kit';
import type { HttpServer, PrincipalContext } from '@tidewire/service-kit';
import { organisation, person } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { registerCapabilitiesRoute } from './capabilities.ts';
import { registerPreAuthRoute } from './pre-auth.ts';

const CAPABILITIES = '/ocs/v2.php/cloud/capabilities';
const PRE_AUTH = '/apps/notify_push/pre_auth';
const TOKEN = 'QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb';

const alice: PrincipalContext = person('alice', organisation('gemeente'), []);
const BASIC = { authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` };

function start(publicUrl = 'https://tidewire.example'): {
  readonly app: HttpServer;
  readonly issued: PreAuthorisation[];
} {
  const issued: PreAuthorisation[] = [];
  const app = createHttpServer({
    logger: createLogger({ service: 'push-notifier', level: 'silent' }),
    metrics: createMetrics('push-notifier'),
    clock: createManualClock(),
    ready: () => true,
  });
  void app.register(authenticationPlugin, {
    allowedOrigins: ['https://tidewire.example'],
    basic: true,
    authenticate: async ({ secret }) => {
      if (secret === 'alice:secret') return alice;
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    },
  });
  registerCapabilitiesRoute(app, { publicUrl });
  registerPreAuthRoute(app, {
    preAuth: {
      issue: async (whom) => {
        issued.push(whom);
        return TOKEN;
      },
    },
  });
  return { app, issued };
}

test.each([
  ['https://tidewire.example', 'wss://tidewire.example', 'https://tidewire.example'],
  ['http://127.0.0.1:8080/', 'ws://127.0.0.1:8080', 'http://127.0.0.1:8080'],
])('at %s clients are told where notify_push is', async (publicUrl, socket, http) => {
  const { app } = start(publicUrl);
  await using _ = app;
  const headers = { ...BASIC, 'ocs-apirequest': 'true', 'accept': 'application/json' };
  const answer = await app.inject({ method: 'GET', url: `${CAPABILITIES}?format=json`, headers });
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.json()).toEqual({
    ocs: {
      meta: { status: 'ok', statuscode: 200, message: 'OK' },
      data: {
        version: {},
        capabilities: {
          notify_push: {
            type: ['notifications'],
            endpoints: { websocket: `${socket}/push/ws`, pre_auth: `${http}${PRE_AUTH}` },
          },
        },
      },
    },
  });
  expect(capabilitiesSchema.safeParse(answer.json()).error).toBeUndefined();
});

test('without a credential there is an envelope and nothing in it, and a wrong one is refused', async () => {
  const { app } = start();
  await using _ = app;
  const nobody = await app.inject({ method: 'GET', url: CAPABILITIES });
  expect([nobody.statusCode, nobody.json().ocs.data]).toEqual([200, { version: {}, capabilities: {} }]);
  const headers = { authorization: 'Bearer nobody' };
  expect((await app.inject({ method: 'GET', url: CAPABILITIES, headers })).statusCode).toBe(401);
});

test('a token is the whole answer, as plain text', async () => {
  const { app, issued } = start();
  await using _ = app;
  const answer = await app.inject({ method: 'POST', url: PRE_AUTH, headers: BASIC });
  expect([answer.statusCode, answer.body]).toEqual([200, TOKEN]);
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(issued).toEqual([{ principal: 'alice', credential: alice.credential.id }]);
  expect((await app.inject({ method: 'POST', url: PRE_AUTH })).statusCode).toBe(401);
});

test.each([
  ['application/x-www-form-urlencoded', ''],
  ['application/x-www-form-urlencoded', 'a=b'],
  ['application/json', ''],
  ['application/json', '{'],
  ['text/plain', 'anything'],
])('whatever body comes along, as %s, a token is given', async (type, payload) => {
  const { app } = start();
  await using _ = app;
  const headers = {
    ...BASIC,
    'content-type': type,
    'requesttoken': 'x',
    'x-requested-with': 'XMLHttpRequest',
  };
  const answer = await app.inject({ method: 'POST', url: PRE_AUTH, headers, payload });
  expect([answer.statusCode, answer.body]).toEqual([200, TOKEN]);
});

test('a client that asks often is not sent away', async () => {
  const { app, issued } = start();
  await using _ = app;
  const ask = async (): Promise<number> =>
    (await app.inject({ method: 'POST', url: PRE_AUTH, headers: BASIC })).statusCode;
  expect(new Set(await Promise.all(Array.from({ length: 300 }, ask)))).toEqual(new Set([200]));
  expect(issued).toHaveLength(300);
});
