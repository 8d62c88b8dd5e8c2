import { once } from 'node:events';
import { Agent, request as openRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { TidewireError, problemSchema } from '@tidewire/contract';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { authenticationPlugin, requirePrincipal } from './authentication.ts';
import type { PrincipalContext } from './authentication.ts';
import { systemClock } from './clock.ts';
import { createHttpServer, drainServer, listen } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import type { Readiness } from './health.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

const MARKER = 'marker-91cc';
const ORIGIN = 'https://app.example';
const context = {
  principal: {
    kind: 'principal',
    id: 'alice',
    name: 'Alice',
    admin: false,
    organisations: [],
    activeOrganisation: null,
    groups: [],
    version: 1,
    removed: false,
  },
  credential: {
    kind: 'credential',
    id: '00000000-0000-4000-8000-000000000001',
    type: 'token',
    principal: 'alice',
    scopes: null,
    expiresAt: null,
    endedAt: null,
    version: 1,
  },
} satisfies PrincipalContext;

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const app of servers.splice(0)) await drainServer(app, { timeoutMs: 100, clock: systemClock });
});

async function startServer(routes: (app: HttpServer) => void = () => {}, ready: Readiness = true) {
  const lines: string[] = [];
  const app = createHttpServer({
    logger: createLogger({
      service: 'records',
      level: 'debug',
      destination: { write: (line) => lines.push(line) },
    }),
    metrics: createMetrics('records'),
    clock: systemClock,
    ready: () => ready,
  });
  servers.push(app);
  void app.register(authenticationPlugin, {
    allowedOrigins: [ORIGIN],
    authenticate: async (credential) => {
      if (credential.secret === 'good') return context;
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    },
  });
  app.post(
    '/things/:id',
    {
      bodyLimit: 200,
      schema: {
        body: z.strictObject({ size: z.int(), tags: z.array(z.string()).optional() }),
        response: { 201: z.object({ by: z.string() }) },
      },
    },
    async (request, reply) => reply.code(201).send({ by: requirePrincipal(request).principal.id }),
  );
  routes(app);
  return { app, lines, url: await listen(app, '127.0.0.1', 0) };
}

const json = { 'content-type': 'application/json' };
const authorized = { ...json, authorization: 'Bearer good' };
const post = (url: string, body: string, headers: Record<string, string> = authorized): Promise<Response> =>
  fetch(`${url}/things/1`, { method: 'POST', headers, body });

test('answers a valid request and echoes its correlation id', async () => {
  const { url } = await startServer();
  const response = await post(url, '{"size":1}', { ...authorized, 'x-correlation-id': 'c-1' });
  expect([response.status, await response.json()]).toEqual([201, { by: 'alice' }]);
  expect(response.headers.get('x-correlation-id')).toBe('c-1');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

test.each([
  [
    'a body that does not fit',
    '{"size":"x","tags":[1],"more":1}',
    400,
    'VALIDATION_ERROR',
    ['/size', '/tags/0', '/more'],
  ],
  ['a body that is not JSON', `{"size": ${MARKER}`, 400, 'VALIDATION_ERROR', ['']],
  ['an empty body', '', 400, 'VALIDATION_ERROR', ['']],
  ['a body nested without end', '['.repeat(150), 400, 'VALIDATION_ERROR', ['']],
  [
    'a body above the limit of its route',
    `{"size":1,"tags":["${'x'.repeat(300)}"]}`,
    413,
    'PAYLOAD_TOO_LARGE',
    [],
  ],
])('refuses %s in the shape of the contract', async (_what, body, status, code, fields) => {
  const { url } = await startServer();
  const response = await post(url, body);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = problemSchema.parse(await response.json());
  expect([response.status, problem.code, problem.errors?.map((error) => error.field) ?? []]).toEqual([
    status,
    code,
    fields,
  ]);
  expect(JSON.stringify(problem)).not.toContain(MARKER);
});

test.each([
  ['/rooms/x', "The path parameter 'room' is not valid.", '/room'],
  ['/rooms/1?_limit=x', "The query parameter '_limit' is not valid.", '/_limit'],
  ['/rooms/1?constructor=x', "The query parameter 'constructor' is not valid.", '/constructor'],
])('names the parameter of %s that is wrong', async (path, message, field) => {
  const { url } = await startServer((app) => {
    const schema = {
      params: z.object({ room: z.string().regex(/^\d+$/) }),
      querystring: z.strictObject({ _limit: z.coerce.number().optional() }),
    };
    app.get('/rooms/:room', { schema, config: { authentication: 'none' } }, async () => ({}));
  });
  const response = await fetch(`${url}${path}`);
  const problem = problemSchema.parse(await response.json());
  expect([response.status, problem.title, problem.message]).toEqual([400, 'The input is not valid', message]);
  expect(problem.errors?.map((error) => error.field)).toEqual([field]);
});

test('refuses another media type with 415, a wrong method with 405 and an unknown path with 404', async () => {
  const { url } = await startServer();
  const other = await post(url, 'size=1', {
    ...authorized,
    'content-type': 'application/x-www-form-urlencoded',
  });
  const method = await fetch(`${url}/things/1`, { method: 'PUT' });
  const path = await fetch(`${url}/nothing`);
  expect([other.status, method.status, path.status]).toEqual([415, 405, 404]);
  expect(method.headers.get('allow')).toBe('POST');
  expect(problemSchema.parse(await method.json()).code).toBe('METHOD_NOT_ALLOWED');
});

test.each([
  ['bytes that are not UTF-8', {}, 400, 'VALIDATION_ERROR'],
  ['another charset', { 'content-type': 'application/json; charset=latin1' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a compressed body', { 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
])('refuses %s instead of reading something else', async (_what, headers, status, code) => {
  const { url } = await startServer();
  const response = await fetch(`${url}/things/1`, {
    method: 'POST',
    headers: { ...authorized, ...headers },
    body: Buffer.concat([Buffer.from('{"size":1,"tags":["'), Buffer.from([0xff]), Buffer.from('"]}')]),
  });
  expect([response.status, problemSchema.parse(await response.json()).code]).toEqual([status, code]);
});

test.each([
  ['with its length', { 'content-length': '5000001' }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
])(
  'a body that is much too large, sent %s, gets the 413, and its connection goes on',
  async (_how, framing) => {
    const { app, url } = await startServer();
    let connections = 0;
    app.server.on('connection', () => (connections += 1));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = async (body: string, headers: Record<string, string> = {}): Promise<number | undefined> => {
      const request = openRequest(`${url}/things/1`, {
        method: 'POST',
        agent,
        headers: { ...authorized, ...headers },
      });
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await readText(response);
      return response.statusCode;
    };
    for (let round = 0; round < 5; round += 1) {
      expect(await send('x'.repeat(5_000_001), framing)).toBe(413);
      expect(await send('{"size":1}')).toBe(201);
    }
    expect(connections).toBe(1);
    agent.destroy();
  },
);

test('names the request also where the path cannot be read', async () => {
  const { url } = await startServer();
  for (const path of ['/things/%zz', `/things/${'x'.repeat(300)}`]) {
    const headers = { ...authorized, 'x-correlation-id': 'c-2' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: '{"size":1}' });
    expect([response.status, response.headers.get('x-correlation-id')]).toEqual([400, 'c-2']);
  }
});

test('says 401 before it looks at the body', async () => {
  const { url } = await startServer();
  const answers = await Promise.all(
    ['{"size":"x"}', '{', '['.repeat(150), 'x'.repeat(300)].map((body) => post(url, body, json)),
  );
  expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 401]);
  expect(answers[0]?.headers.get('www-authenticate')).toContain('Bearer');
});

test('lets a session cookie write only from an allowed origin', async () => {
  const { url } = await startServer();
  const cookie = { ...json, cookie: 'tidewire_session=good' };
  const [foreign, missing, own] = await Promise.all([
    post(url, '{"size":1}', { ...cookie, origin: 'https://evil.example' }),
    post(url, '{"size":1}', cookie),
    post(url, '{"size":1}', { ...cookie, origin: ORIGIN }),
  ]);
  expect([foreign.status, missing.status, own.status]).toEqual([403, 403, 201]);
});

test('lets a route admit anonymous requests, but no bad credential', async () => {
  const { url } = await startServer((app) => {
    app.get('/open', { config: { authentication: 'optional' } }, async (request) => ({
      who: request.principal?.principal.id ?? 'nobody',
    }));
  });
  const anonymous = await fetch(`${url}/open`);
  expect(await anonymous.json()).toEqual({ who: 'nobody' });
  expect((await fetch(`${url}/open?token=bad`)).status).toBe(401);
});

test('says nothing about an unexpected error, to the client and about the request to the log', async () => {
  const { url, lines } = await startServer((app) => {
    app.post('/broken', async (request) => {
      throw new Error(`unexpected "${JSON.stringify(request.body)}"`);
    });
  });
  const response = await fetch(`${url}/broken?token=good`, {
    method: 'POST',
    headers: { ...json, 'cookie': `other=${MARKER}`, 'x-secret': MARKER },
    body: JSON.stringify({ field: MARKER }),
  });
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toMatch(/unexpected|stack|marker/);
  expect(lines.join('')).toContain('request failed');
  expect(lines.join('')).not.toContain(MARKER);
});

test('keeps tokens, cookies and bodies out of the log of every request', async () => {
  const { url, lines } = await startServer();
  await fetch(`${url}/things/1?token=${MARKER}`, {
    method: 'POST',
    headers: json,
    body: `{"size":"${MARKER}"}`,
  });
  await post(url, '{"size":1}', { ...json, authorization: `Bearer ${MARKER}` });
  await post(url, '{"size":1}', { ...json, cookie: `tidewire_session=${MARKER}` });
  await fetch(`${url}/${MARKER}?token=${MARKER}`);
  expect(lines.filter((line) => line.includes('request answered'))).toHaveLength(4);
  expect(lines.join('')).not.toContain(MARKER);
});

test('answers probes without a credential and says why it is not ready', async () => {
  const { url } = await startServer(undefined, 'bus: not connected');
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'not ready', reason: 'bus: not connected' },
  ]);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('tidewire_records_http_requests_total');
});

test('says that an address is too long', async () => {
  const { url } = await startServer();
  const response = await fetch(`${url}/things?${'x'.repeat(20_000)}`);
  const problem = problemSchema.parse(await response.json());
  expect([response.status, problem.message]).toEqual([400, 'Address and headers are larger than 16 KiB.']);
});

test('answers bytes that are not HTTP and closes', async () => {
  const { url } = await startServer();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('NOT HTTP AT ALL\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(problemSchema.parse(JSON.parse(text.slice(text.indexOf('{')))).code).toBe('BAD_REQUEST');
});

test('finishes a running request while it drains, and cuts off one that takes too long', async () => {
  const release = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const { app, url } = await startServer((server) => {
    server.get('/slow', { config: { authentication: 'none' } }, async () => {
      entered.resolve();
      await release.promise;
      return { done: true };
    });
    server.get('/stuck', { config: { authentication: 'none' } }, async () => new Promise(() => {}));
  });
  const slow = fetch(`${url}/slow`);
  const stuck = fetch(`${url}/stuck`).catch(() => 'cut off');
  await entered.promise;
  const drained = drainServer(app, { timeoutMs: 300, clock: systemClock });
  release.resolve();
  expect(await (await slow).json()).toEqual({ done: true });
  expect(await stuck).toBe('cut off');
  await drained;
  await expect(fetch(`${url}/livez`)).rejects.toThrow();
});

test('leaves a hijacked stream alone', async () => {
  const { url } = await startServer((app) => {
    app.get('/stream', { config: { authentication: 'none' } }, (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
      reply.raw.write('data: 1\n\n');
      setImmediate(() => reply.raw.end('data: 2\n\n'));
    });
  });
  expect(await (await fetch(`${url}/stream`)).text()).toBe('data: 1\n\ndata: 2\n\n');
});
