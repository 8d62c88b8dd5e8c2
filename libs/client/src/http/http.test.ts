import { expect, test } from 'vitest';
import { OddServer, answerJson, answerProblem } from '../../test/odd-server.ts';
import { createTestRuntime } from '../../test/test-runtime.ts';
import { ClientError } from '../client-error.ts';
import type { Runtime } from '../runtime.ts';
import { request } from './http.ts';
import type { HttpRequest } from './http.ts';

async function failure(runtime: Runtime, order: HttpRequest): Promise<ClientError> {
  try {
    await request(runtime, order);
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

/** A runtime whose fetch answers so, and what it was called with. */
function answering(make: () => Response): { runtime: Runtime; calls: (RequestInit | undefined)[] } {
  const calls: (RequestInit | undefined)[] = [];
  const fetch: typeof globalThis.fetch = async (_input, init) => {
    calls.push(init);
    return make();
  };
  return { ...createTestRuntime({ fetch }), calls };
}

test('a token is the only credential of its request; without one the cookies are', async () => {
  const { runtime, calls } = answering(() => Response.json({}));
  await request(runtime, { url: 'http://here/x', token: 'secret' });
  await request(runtime, { url: 'http://here/x', token: null });
  expect(calls[0]).toMatchObject({ credentials: 'omit', headers: { authorization: 'Bearer secret' } });
  expect(calls[1]).toMatchObject({ credentials: 'include' });
  expect(calls[1]?.headers).not.toHaveProperty('authorization');
});

test('sends JSON and reads it', async () => {
  await using server = await OddServer.start({
    answer: ({ method, body, headers }, response) =>
      answerJson(response, 201, { method, body, type: headers['content-type'] }),
  });
  const { runtime } = createTestRuntime();
  const answer = await request(runtime, { url: server.url, token: null, method: 'PATCH', body: { a: 'é' } });
  expect(answer).toEqual({
    status: 201,
    body: { method: 'PATCH', body: { a: 'é' }, type: 'application/json' },
    etag: undefined,
  });
});

test('an answer that did not change has no body', async () => {
  await using server = await OddServer.start({
    answer: ({ headers }, response) => {
      if (headers['if-none-match'] === '"1"') response.writeHead(304, { etag: '"1"' }).end();
      else answerJson(response, 200, [], { etag: '"1"' });
    },
  });
  const { runtime } = createTestRuntime();
  const first = await request(runtime, { url: server.url, token: null });
  expect(first).toEqual({ status: 200, body: [], etag: '"1"' });
  const second = await request(runtime, { url: server.url, token: null, ifNoneMatch: first.etag });
  expect(second).toEqual({ status: 304, body: undefined, etag: '"1"' });
});

test('204 has no body', async () => {
  await using server = await OddServer.start({
    answer: (_request, response) => response.writeHead(204).end(),
  });
  const answer = await request(createTestRuntime().runtime, {
    url: server.url,
    token: null,
    method: 'DELETE',
  });
  expect(answer).toEqual({ status: 204, body: undefined, etag: undefined });
});

test('a refusal is told as the server says it', async () => {
  const errors = [{ field: 'total', message: 'is not a number' }];
  await using server = await OddServer.start({
    answer: (_request, response) =>
      answerJson(response, 400, {
        code: 'VALIDATION_ERROR',
        message: 'No.',
        errors: [...errors, { field: 1 }, null],
      }),
  });
  const error = await failure(createTestRuntime().runtime, { url: server.url, token: null });
  expect(error).toMatchObject({
    code: 'VALIDATION_ERROR',
    message: 'No.',
    status: 400,
    errors,
    transient: false,
  });
});

test.each([
  ['7', 7000],
  ['Thu, 01 Jan 2026 00:00:09 GMT', 9000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['soon', undefined],
])('Retry-After: %s means %s milliseconds', async (value, retryAfterMs) => {
  await using server = await OddServer.start({
    answer: (_request, response) => answerProblem(response, 429, 'RATE_LIMITED', { 'retry-after': value }),
  });
  const error = await failure(createTestRuntime().runtime, { url: server.url, token: null });
  expect(error.retryAfterMs).toBe(retryAfterMs);
});

test.each([
  [400, 'BAD_REQUEST', false],
  [401, 'UNAUTHORIZED', false],
  [403, 'FORBIDDEN', false],
  [404, 'NOT_FOUND', false],
  [408, 'CONNECTION_IDLE', true],
  [409, 'CONFLICT', false],
  [429, 'RATE_LIMITED', true],
  [429, 'TOO_MANY_SUBSCRIPTIONS', false],
  [500, 'INTERNAL_ERROR', true],
  [502, undefined, true],
  [503, 'SERVICE_UNAVAILABLE', true],
  [504, undefined, true],
  [404, undefined, false],
])('%s %s may pass: %s', async (status, code, transient) => {
  const make = (): Response =>
    code === undefined
      ? new Response('<html>', { status })
      : Response.json({ code, message: '' }, { status });
  const error = await failure(answering(make).runtime, { url: 'http://here', token: null });
  expect(error).toMatchObject({ code: code ?? 'UNUSABLE_ANSWER', status, transient });
});

test.each(['<html>sign in to the network</html>', '', '{"records":'])(
  '200 with %j is not an answer',
  async (text) => {
    const error = await failure(answering(() => new Response(text)).runtime, {
      url: 'http://here',
      token: null,
    });
    expect(error).toMatchObject({ code: 'UNUSABLE_ANSWER', status: 200, transient: true });
  },
);

test('an answer that has no end is given up', async () => {
  const piece = new Uint8Array(1024 * 1024).fill(32);
  let sent = 0;
  let cancelled = false;
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull: (stream) => {
          sent += 1;
          stream.enqueue(piece);
        },
        cancel: () => {
          cancelled = true;
        },
      }),
    );
  const error = await failure(answering(endless).runtime, { url: 'http://here', token: null });
  expect(error).toMatchObject({ code: 'UNUSABLE_ANSWER', status: 200 });
  expect(cancelled).toBe(true);
  expect(sent).toBeLessThan(40);
});

test('no answer, and half of one, are the same', async () => {
  await using server = await OddServer.start({
    answer: ({ path }, response) => {
      if (path === '/half') response.writeHead(200, { 'content-length': '100' }).write('{"half":');
      setImmediate(() => response.socket?.destroy());
    },
  });
  const { runtime } = createTestRuntime();
  for (const path of ['/none', '/half']) {
    const error = await failure(runtime, { url: `${server.url}${path}`, token: null });
    expect(error).toMatchObject({ code: 'NETWORK', status: undefined, transient: true });
  }
});

test.each(['/', '/body'])('%s that takes too long is given up', async (path) => {
  await using server = await OddServer.start({
    answer: (read, response) => {
      if (read.path === '/body') response.writeHead(200).write('{');
    },
  });
  const { runtime, clock } = createTestRuntime();
  const failed = failure(runtime, { url: `${server.url}${path}`, token: null, timeoutMs: 700 });
  await server.until(1);
  clock.advance(700);
  expect(await failed).toMatchObject({ code: 'NETWORK', transient: true });
});

test('whoever asked can give it up, also before it began', async () => {
  await using server = await OddServer.start({});
  const { runtime } = createTestRuntime();
  const abort = new AbortController();
  const failed = failure(runtime, { url: server.url, token: null, signal: abort.signal });
  await server.until(1);
  abort.abort();
  expect(await failed).toMatchObject({ code: 'NETWORK' });
  expect(await failure(runtime, { url: server.url, token: null, signal: abort.signal })).toMatchObject({
    code: 'NETWORK',
  });
  expect(server.requests).toHaveLength(1);
});
