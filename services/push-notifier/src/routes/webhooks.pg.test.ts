import { TidewireError } from '@tidewire/contract';
import type { Credential, Principal, Scopes } from '@tidewire/contract';
import { authenticationPlugin, createHttpServer, createLogger, createMetrics } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { LIMITED_CREDENTIAL, credentialOf, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { isBodySignedBy, isSignedBy } from '../../test/webhook-endpoint.ts';
import { WebhookWorld, titlesOf } from '../../test/webhook-world.ts';
import type { Replica } from '../../test/webhook-world.ts';
import { registerWebhooks } from './webhooks.ts';

let world: WebhookWorld;
let replica: Replica;
let app: HttpServer;
const credentials = new Map<string, { principal: Principal; credential: Credential }>();

beforeAll(async () => {
  ({ world, replica } = await WebhookWorld.startWhole());
  const { alice, bob } = world;
  const limited = limitedTo({ topics: ['register/zaken/schema/meldingen'] });
  await world.platform.set(limited);
  credentials.set('alice', alice).set('bob', bob);
  credentials.set('limited', { ...alice, credential: limited });
  credentials.set('issued', { ...bob, credential: { ...bob.credential, type: 'access-token' } });
  app = createHttpServer({
    logger: createLogger({ service: 'push-notifier', level: 'silent' }),
    metrics: createMetrics('push-notifier'),
    clock: world.clock,
    ready: () => true,
  });
  void app.register(authenticationPlugin, {
    authenticate: async (given) => {
      const known = 'secret' in given ? credentials.get(given.secret) : undefined;
      if (known === undefined) throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
      return known;
    },
    allowedOrigins: [],
  });
  registerWebhooks(app, replica.webhooks.registry);
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await replica.pool.query('DELETE FROM push.webhooks');
  world.endpoint.received.splice(0);
  world.endpoint.reply = () => ({ status: 204 });
  await replica.webhooks.wake();
  await waitFor(() => replica.webhooks.held === 0, { what: 'nothing is delivered any more' });
});

function limitedTo(scopes: Scopes): Credential {
  return { ...credentialOf('alice'), id: LIMITED_CREDENTIAL, scopes };
}

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks at whatever came
type Answer = { readonly status: number; readonly body: any; readonly text: string };

async function ask(
  who: string,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  payload?: object,
): Promise<Answer> {
  const answer = await app.inject({
    method,
    url: `/api/webhooks${path}`,
    headers: { authorization: `Bearer ${who}` },
    ...(payload !== undefined && { payload }),
  });
  return {
    status: answer.statusCode,
    text: answer.body,
    body: answer.body === '' ? undefined : (JSON.parse(answer.body) as unknown),
  };
}

const wanted = (change: object = {}): object => ({
  name: 'case system',
  url: world.endpoint.url(),
  topics: ['register/zaken'],
  ...change,
});

async function registered(who: string, change: object = {}): Promise<Answer['body']> {
  const { status, body, text } = await ask(who, 'POST', '', wanted(change));
  if (status !== 201) throw new Error(text);
  return body;
}

test('a webhook is told with its secret once, and never with the values of its headers', async () => {
  const headers = { 'Authorization': 'Bearer very-secret', 'X-Key': 'other-secret' };
  const { secret, ...webhook } = await registered('bob', { headers, filter: { status: 'open' } });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(webhook).toMatchObject({
    headers: ['authorization', 'x-key'],
    enabled: true,
    circuit: 'closed',
    mode: 'structured',
  });
  const seen = [
    await ask('bob', 'GET', ''),
    await ask('bob', 'GET', `/${webhook.id}`),
    await ask('bob', 'PATCH', `/${webhook.id}`, { name: 'renamed' }),
    await ask('bob', 'GET', `/${webhook.id}/deliveries`),
  ];
  expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(seen[0]?.body).toMatchObject({ total: 1, limit: 20, offset: 0, results: [webhook] });
  expect(seen.map(({ text }) => text).join('')).not.toMatch(/very-secret|other-secret|whsec_/);
  await world.created('een');
  const [received] = await world.endpoint.until(1);
  expect(received?.headers).toMatchObject({ 'authorization': 'Bearer very-secret', 'x-key': 'other-secret' });
});

test.each([
  ['no name', { name: '' }, '/name'],
  ['no URL', { url: 'example' }, '/url'],
  ['another protocol', { url: 'ftp://example.org/x' }, '/url'],
  ['a password in the URL', { url: 'https://a:b@example.org/' }, '/url'],
  ['no topics', { topics: [] }, '/topics'],
  ['too many topics', { topics: Array.from({ length: 51 }, () => 'register/zaken') }, '/topics'],
  ['a malformed topic', { topics: ['zaken'] }, '/topics/0'],
  ['a filter of no form', { filter: { status: ['open'] } }, '/filter/status'],
  ['a header of ours', { headers: { 'Webhook-Id': 'x' } }, '/headers/Webhook-Id'],
  ['a header of the connection', { headers: { Connection: 'close' } }, '/headers/Connection'],
  ['a header of the event', { headers: { 'ce-type': 'x' } }, '/headers/ce-type'],
  ['a header that would be two', { headers: { 'X-A': 'a\r\nX-B: b' } }, '/headers/X-A'],
  ['a name that is no header', { headers: { 'X A': 'a' } }, '/headers/X A'],
  ['one header twice', { headers: { 'X-A': 'a', 'x-a': 'b' } }, '/headers'],
  [
    'eleven headers',
    { headers: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`X-${index}`, 'a'])) },
    '/headers',
  ],
  ['an unknown member', { secret: 'mine' }, '/secret'],
])('refuses a registration with %s, and names it', async (_what, change, field) => {
  const { status, body } = await ask('bob', 'POST', '', wanted(change));
  expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR']);
  expect(body.errors.map((each: { field: string }) => each.field)).toContain(field);
});

test.each([
  ['a register that is not there', { topics: ['register/none'] }, 404, 'NOT_FOUND', '/topics'],
  [
    'a condition on a field that is not there',
    { filter: { onbekend: 'x' } },
    400,
    'UNKNOWN_FIELD',
    '/filter/onbekend',
  ],
  ['a field that is not there', { fields: ['titel', 'onbekend'] }, 400, 'UNKNOWN_FIELD', '/fields'],
])('refuses %s as the gateways do', async (_what, change, status, code, field) => {
  const answer = await ask('bob', 'POST', '', wanted(change));
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(JSON.stringify(answer.body.errors)).toContain(field);
  expect((await ask('bob', 'GET', '')).body.total).toBe(0);
});

test("another one's webhook looks like one that is not there", async () => {
  const { id } = await registered('bob');
  const absent = crypto.randomUUID();
  for (const [method, path, payload] of [
    ['GET', ''],
    ['PATCH', '', { name: 'mine now' }],
    ['PATCH', '', { url: 'https://thief.example.org/' }],
    ['DELETE', ''],
    ['POST', '/secret'],
    ['POST', '/test'],
    ['GET', '/deliveries'],
    ['POST', '/deliveries/1/redeliver'],
  ] as const) {
    const theirs = await ask('alice', method, `/${id}${path}`, payload);
    const none = await ask('alice', method, `/${absent}${path}`, payload);
    expect(theirs.status, `${method} ${path}`).toBe(404);
    expect(theirs.body).toEqual(none.body);
  }
  expect((await ask('alice', 'GET', '')).body).toMatchObject({ total: 0, results: [] });
  expect((await ask('bob', 'GET', `/${id}`)).status).toBe(200);
  expect(world.endpoint.received).toEqual([]);
});

test('a limited credential knows the webhooks that are limited by it, and cannot lead the others elsewhere', async () => {
  const whole = await registered('alice');
  const limited = await registered('limited');
  expect((await ask('limited', 'GET', '')).body.results).toMatchObject([{ id: limited.id }]);
  expect((await ask('limited', 'PATCH', `/${whole.id}`, { url: 'https://thief.example.org/' })).status).toBe(
    404,
  );
  expect((await ask('limited', 'POST', `/${whole.id}/secret`)).status).toBe(404);
  expect((await ask('alice', 'GET', '')).body.total).toBe(2);
});

test('who comes with an access token registers nothing that outlives it', async () => {
  expect((await ask('issued', 'POST', '', wanted())).body.code).toBe('FORBIDDEN');
  const { id } = await registered('bob');
  expect((await ask('issued', 'PATCH', `/${id}`, { name: 'x' })).body.code).toBe('FORBIDDEN');
  expect((await ask('issued', 'POST', `/${id}/secret`)).body.code).toBe('FORBIDDEN');
  expect((await ask('issued', 'GET', `/${id}`)).status).toBe(200);
});

test('fifty webhooks are the most', async () => {
  for (let number = 0; number < 50; number += 1) await registered('bob', { enabled: false });
  expect((await ask('bob', 'POST', '', wanted())).body.code).toBe('CONFLICT');
  expect((await ask('bob', 'GET', '?_limit=1')).body).toMatchObject({ total: 50, limit: 1 });
  expect((await ask('alice', 'POST', '', wanted({ enabled: false }))).status).toBe(201);
});

test('a test says in words what came back, and hides what was sent', async () => {
  const { id, secret } = await registered('bob', { headers: { Authorization: 'Bearer very-secret' } });
  world.endpoint.reply = ({ headers }) => ({
    status: 401,
    body: `You said ${String(headers.authorization)}\0`,
  });
  const { body } = await ask('bob', 'POST', `/${id}/test`);
  expect(body).toEqual({
    outcome: 'failed',
    status: 401,
    message: 'The endpoint answered 401.',
    answer: 'You said [hidden]',
    durationMs: 0,
  });
  const [received] = world.endpoint.received;
  expect(received?.json).toMatchObject({
    type: 'nl.example.webhook.test',
    data: { webhook: { id, name: 'case system' } },
  });
  expect(received && isSignedBy(secret, received) && isBodySignedBy(secret, received)).toBe(true);
  // It says nothing about deliveries.
  expect((await ask('bob', 'GET', `/${id}`)).body).toMatchObject({ failures: 0, counts: { failed: 0 } });
  const { results } = (await ask('bob', 'GET', `/${id}/deliveries`)).body;
  expect(results).toMatchObject([{ id: 1, attempt: 0, outcome: 'failed', type: 'nl.example.webhook.test' }]);
  expect((await ask('bob', 'POST', `/${id}/deliveries/1/redeliver`)).body.code).toBe('NOT_FOUND');
});

test('the log has pages, the newest first, and forgets the oldest', async () => {
  const { id } = await registered('bob', { enabled: false });
  await replica.pool.query('UPDATE push.webhooks SET log_number = 998');
  for (let number = 0; number < 3; number += 1) await ask('bob', 'POST', `/${id}/test`);
  const page = await ask('bob', 'GET', `/${id}/deliveries?_limit=2&_offset=1`);
  expect(page.body).toMatchObject({ total: 3, limit: 2, offset: 1, results: [{ id: 1000 }, { id: 999 }] });
  await replica.pool.query('UPDATE push.webhooks SET log_number = 1999');
  await ask('bob', 'POST', `/${id}/test`);
  const { results, total } = (await ask('bob', 'GET', `/${id}/deliveries`)).body;
  expect([total, results.map((each: { id: number }) => each.id)]).toEqual([2, [2000, 1001]]);
});

test('an event is delivered again as its owner may see it now, or not at all', async () => {
  const { id } = await registered('bob');
  const row = await world.created('een');
  await world.created('twee');
  const [first] = await world.endpoint.until(2);
  await world.until(replica, id, ({ counts }) => counts.delivered === 2);
  const again = await ask('bob', 'POST', `/${id}/deliveries/1/redeliver`);
  expect([again.status, again.body]).toMatchObject([
    200,
    { id: 3, attempt: 0, outcome: 'delivered', eventId: first?.json.id },
  ]);
  expect(titlesOf(await world.endpoint.until(3))).toEqual(['een', 'twee', 'een']);
  // Neither what was delivered nor what is still to come has moved.
  expect((await ask('bob', 'GET', `/${id}`)).body.counts).toEqual({ delivered: 2, failed: 0, dead: 0 });
  await ask('bob', 'PATCH', `/${id}`, { enabled: false });
  await world.platform.updated(row, { properties: { titel: 'vertrouwelijk', status: 'intern' } });
  const refused = await ask('bob', 'POST', `/${id}/deliveries/1/redeliver`);
  expect([refused.status, refused.body.code]).toEqual([404, 'NOT_FOUND']);
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  const gone = await ask('bob', 'POST', `/${id}/deliveries/2/redeliver`);
  expect([gone.status, gone.body.code]).toEqual([410, 'GONE']);
  expect(world.endpoint.received).toHaveLength(3);
  for (const delivery of ['0', '99', 'x']) {
    expect((await ask('bob', 'POST', `/${id}/deliveries/${delivery}/redeliver`)).status).toBeOneOf([
      400, 404,
    ]);
  }
  await world.platform.change(world.policy, { authorization: world.policy.authorization });
});

test.each([
  ['POST', ''],
  ['GET', ''],
  ['GET', '/:id'],
  ['PATCH', '/:id'],
  ['DELETE', '/:id'],
  ['POST', '/:id/secret'],
  ['POST', '/:id/test'],
  ['GET', '/:id/deliveries'],
  ['POST', '/:id/deliveries/1/redeliver'],
] as const)('%s /api/webhooks%s is for nobody without a credential', async (method, path) => {
  const url = `/api/webhooks${path.replace(':id', crypto.randomUUID())}`;
  expect((await app.inject({ method, url })).statusCode).toBe(401);
});
