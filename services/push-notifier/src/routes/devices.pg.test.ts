import { TidewireError, deviceSchema } from '@tidewire/contract';
import type { Credential, DeviceView } from '@tidewire/contract';
import {
  authenticationPlugin,
  createHttpServer,
  createLogger,
  createMetrics,
  systemClock,
} from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addFollower } from '../changes/follower-repository-postgres.ts';
import { createDevicePost } from '../devices/device-post.ts';
import { createTargetClient } from '../targets/target-client.ts';
import { DeviceWorld } from '../../test/device-world.ts';
import { registerDeviceRoutes } from './devices.ts';

let world: DeviceWorld;
let app: HttpServer;
beforeEach(async () => {
  world = await DeviceWorld.start();
  app = createApp();
});
afterEach(async () => {
  await app.close();
  await world[Symbol.asyncDispose]();
});

/** Who comes with the token `alice` is alice; `register/secret` is there for nobody. */
/** `carol` shows a token, `session-carol` is signed in, and `limited-carol` shows a token with scopes. */
function credentialOf(secret: string): Credential {
  return {
    kind: 'credential',
    id: TOKEN,
    type: secret.startsWith('session-') ? 'session' : 'token',
    principal: secret,
    scopes: secret.startsWith('limited-') ? { actions: ['read'] } : null,
    expiresAt: null,
    endedAt: null,
    version: 1,
  };
}

function createApp(allowPrivate = true): HttpServer {
  const { clock, pool, vapid } = world;
  const logger = createLogger({ service: 'test', level: 'silent' });
  const server = createHttpServer({
    logger,
    metrics: createMetrics('test'),
    clock: systemClock,
    ready: () => true,
  });
  void server.register(authenticationPlugin, {
    allowedOrigins: [],
    authenticate: async ({ secret }) => ({
      principal: { id: secret, name: secret } as never,
      credential: credentialOf(secret),
    }),
  });
  registerDeviceRoutes(server, {
    pool,
    clock,
    allowPrivate,
    publicKey: async () => await Promise.resolve(vapid.publicKey),
    post: createDevicePost({
      client: createTargetClient({ allowPrivate, clock }),
      vapid: { ...vapid, subject: 'mailto:operator@example.org' },
      ttlSeconds: 60,
    }),
    follow: async (client, principal) => {
      await addFollower(client, principal);
    },
    requireTopics: (_reader, topics) => {
      if (topics.some((topic) => topic.kind === 'register' && topic.register === 'secret')) {
        throw new TidewireError('NOT_FOUND', 'There is no such topic.');
      }
    },
  });
  return server;
}

const TOKEN = '5c0de000-0000-4000-8000-00000000000a';

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly errors?: { readonly field: string }[] } & Record<
    string,
    unknown
  >;
}

async function ask(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  { as = 'alice', payload }: { readonly as?: string | undefined; readonly payload?: object } = {},
): Promise<Answer> {
  const headers = as === '' ? {} : { authorization: `Bearer ${as}` };
  const answer = await app.inject({ method, url: `/api/push/${path}`, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
}

const newDevice = (): { subscription: object; topics: string[] } => ({
  subscription: world.endpoint.subscribe(),
  topics: ['register/zaken'],
});
async function registered(as = 'alice'): Promise<DeviceView> {
  return deviceSchema.parse((await ask('POST', 'devices', { as, payload: newDevice() })).body);
}

test('registers the device of somebody who was never here, and tells neither its endpoint nor its keys', async () => {
  const payload = { ...newDevice(), name: 'phone', maxPerHour: 6 };
  const { status, body } = await ask('POST', 'devices', { as: 'carol', payload });
  expect(status).toBe(201);
  expect(deviceSchema.parse(body)).toMatchObject({
    host: '127.0.0.1',
    name: 'phone',
    maxPerHour: 6,
    failures: 0,
  });
  expect(JSON.stringify(body)).not.toMatch(/\/push\/|p256dh|auth/);
  const { rows } = await world.pool.query('SELECT principal, credential FROM push.devices');
  expect(rows).toEqual([{ principal: 'carol', credential: TOKEN }]);
  expect(await ask('POST', 'devices', { as: 'carol', payload })).toMatchObject({
    status: 200,
    body: { id: body['id'] },
  });
});

test('goes with the token that registered it, but not with a session, and not with a limited credential', async () => {
  expect((await ask('POST', 'devices', { as: 'session-dave', payload: newDevice() })).status).toBe(201);
  const { rows } = await world.pool.query(
    `SELECT credential FROM push.devices WHERE principal = 'session-dave'`,
  );
  expect(rows).toEqual([{ credential: null }]);
  expect(await ask('POST', 'devices', { as: 'limited-dave', payload: newDevice() })).toMatchObject({
    status: 403,
    body: { code: 'FORBIDDEN' },
  });
});

test('needs a credential for everything but its public key', async () => {
  const { id } = await registered();
  for (const [method, path] of [
    ['POST', 'devices'],
    ['GET', 'devices'],
    ['GET', `devices/${id}`],
    ['PATCH', `devices/${id}`],
    ['DELETE', `devices/${id}`],
    ['POST', `devices/${id}/test`],
  ] as const) {
    expect(await ask(method, path, { as: '' })).toMatchObject({ status: 401 });
  }
  expect(await ask('GET', 'vapid', { as: '' })).toEqual({
    status: 200,
    body: { publicKey: world.vapid.publicKey },
  });
});

test('a device of another is not there', async () => {
  const { id } = await registered();
  for (const [method, path] of [
    ['GET', `devices/${id}`],
    ['PATCH', `devices/${id}`],
    ['DELETE', `devices/${id}`],
    ['POST', `devices/${id}/test`],
  ] as const) {
    const payload = method === 'PATCH' ? { payload: { topics: ['register/secret'] } } : {};
    const unknown = path.replace(id, '00000000-0000-4000-8000-000000000000');
    const [theirs, none] = [
      await ask(method, path, { as: 'bob', ...payload }),
      await ask(method, unknown, { as: 'bob', ...payload }),
    ];
    expect(theirs).toEqual(none);
    expect(theirs).toMatchObject({ status: 404, body: { message: 'There is no such device.' } });
  }
  expect((await ask('GET', 'devices', { as: 'bob' })).body).toMatchObject({ results: [], total: 0 });
  expect(await ask('GET', `devices/${id}`)).toMatchObject({ status: 200, body: { id } });
  expect(world.endpoint.messages).toEqual([]);
});

test('takes an endpoint of somebody else from nobody', async () => {
  const payload = newDevice();
  await ask('POST', 'devices', { payload });
  const { status, body } = await ask('POST', 'devices', { as: 'bob', payload });
  expect([status, body.code]).toEqual([409, 'CONFLICT']);
  expect(JSON.stringify(body)).not.toContain('alice');
});

test.each([
  ['no topics', { topics: [] }, '/topics'],
  ['too many topics', { topics: Array.from({ length: 51 }, (_, n) => `register/r${n}`) }, '/topics'],
  ['what is no topic', { topics: ['register/Zaken'] }, '/topics/0'],
  ['too often', { maxPerHour: 121 }, '/maxPerHour'],
  ['a member that is not known', { quiet: true }, '/quiet'],
  ['half of the quiet hours', { quietHours: { from: '22:00', timeZone: 'UTC' } }, '/quietHours/until'],
])('refuses %s', async (_what, change, field) => {
  const { status, body } = await ask('POST', 'devices', { payload: { ...newDevice(), ...change } });
  expect([status, body.errors?.[0]?.field]).toEqual([400, field]);
});

test('refuses an endpoint that is not of the public internet, where that is not allowed', async () => {
  await app.close();
  app = createApp(false);
  const { status, body } = await ask('POST', 'devices', { payload: newDevice() });
  expect([status, body.errors?.[0]?.field]).toEqual([400, '/subscription/endpoint']);
});

test('registers for no topic that its owner may not hear of, and changes to none', async () => {
  const topics = ['register/zaken', 'register/secret'];
  expect(await ask('POST', 'devices', { payload: { ...newDevice(), topics } })).toMatchObject({
    status: 404,
  });
  expect(await world.devices()).toEqual([]);
  const { id } = await registered();
  expect(await ask('PATCH', `devices/${id}`, { payload: { topics } })).toMatchObject({ status: 404 });
  expect(await ask('GET', `devices/${id}`)).toMatchObject({ body: { topics: ['register/zaken'] } });
});

test('keeps topics in one spelling, each once', async () => {
  const uuid = '550e8400-e29b-41d4-a716-446655440000';
  const topics = [`object/${uuid.toUpperCase()}`, `object/${uuid}`, 'register/zaken'];
  const { body } = await ask('POST', 'devices', { payload: { ...newDevice(), topics } });
  expect(body['topics']).toEqual([`object/${uuid}`, 'register/zaken']);
});

test('changes, lists and removes', async () => {
  const [first, second] = [await registered(), await registered()];
  const quietHours = { from: '22:00', until: '07:00', timeZone: 'Europe/Amsterdam' };
  expect(await ask('PATCH', `devices/${first.id}`, { payload: { quietHours, name: 'desk' } })).toEqual({
    status: 200,
    body: { ...first, quietHours, name: 'desk' },
  });
  expect((await ask('GET', 'devices?_limit=1&_offset=1')).body).toEqual({
    results: [second],
    total: 2,
    limit: 1,
    offset: 1,
  });
  expect((await ask('DELETE', `devices/${first.id}`)).status).toBe(204);
  expect((await ask('GET', `devices/${first.id}`)).status).toBe(404);
});

test('sends a test now and says what was answered, but not over and over', async () => {
  const { id } = await registered();
  expect((await ask('POST', `devices/${id}/test`)).body).toEqual({
    outcome: 'delivered',
    status: 201,
    message: 'The push service took the message (201).',
  });
  expect(world.endpoint.json()).toEqual([{ type: 'test' }]);
  expect(await ask('POST', `devices/${id}/test`)).toMatchObject({
    status: 429,
    body: { code: 'RATE_LIMITED' },
  });
  world.clock.advance(10_000);
  world.endpoint.answer = (response) => void response.writeHead(503).end('secret of the push service');
  const { body } = await ask('POST', `devices/${id}/test`);
  expect(body).toMatchObject({ outcome: 'failed', status: 503 });
  expect(JSON.stringify(body)).not.toContain('secret');
});

test('a test finds out that a device is gone', async () => {
  const { id } = await registered();
  world.endpoint.answer = (response) => void response.writeHead(410).end();
  expect((await ask('POST', `devices/${id}/test`)).body).toMatchObject({ outcome: 'gone', status: 410 });
  expect((await ask('GET', `devices/${id}`)).status).toBe(404);
});
