import { once } from 'node:events';
import { Agent, request as openRequest } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { address, closedPort, edgeBefore, openStream, startService } from './edge-harness.ts';

async function nextChunk(stream: NodeJS.ReadableStream): Promise<string> {
  const [chunk] = await once(stream, 'data');
  return String(chunk);
}

test('passes method, address, end-to-end headers and body to the service and its answer back', async () => {
  let seen: { request: IncomingMessage; body: string } | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    seen = { request, body: await text(request) };
    const headers = ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-Object-Version: 7'];
    headers.push('Connection: keep-alive, X-Internal', 'X-Internal: secret');
    response.writeHead(
      201,
      'Made',
      headers.flatMap((header) => header.split(': ')),
    );
    response.end('{"ok":true}');
  };
  const records = await startService((request, response) => void answer(request, response));
  const edge = await edgeBefore({ records: [records] });
  const response = await fetch(address(edge, '/api/objects/a/b?x=%20y'), {
    method: 'POST',
    body: '{"name":"Zoë"}',
    headers: { 'traceparent': '00-abc-def-01', 'x-forwarded-for': '10.9.8.7', 'x-forwarded-proto': 'https' },
  });
  expect(response.status).toBe(201);
  expect(response.statusText).toBe('Made');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('x-object-version')).toBe('7');
  expect(response.headers.get('x-internal')).toBeNull();
  expect(await response.text()).toBe('{"ok":true}');
  expect(seen?.request.method).toBe('POST');
  expect(seen?.request.url).toBe('/api/objects/a/b?x=%20y');
  expect(seen?.body).toBe('{"name":"Zoë"}');
  expect(seen?.request.headers).toMatchObject({
    'traceparent': '00-abc-def-01',
    'x-forwarded-for': '10.9.8.7, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'host': `127.0.0.1:${edge.port}`,
  });
});

test('nobody but a trusted proxy says for whom it asks', async () => {
  const seen: IncomingMessage[] = [];
  const records = await startService((request, response) => {
    seen.push(request);
    response.end();
  });
  const edge = await edgeBefore({ records: [records] }, undefined, '203.0.113.1');
  const forged = {
    'x-forwarded-for': '10.9.8.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    'forwarded': 'for=10.9.8.7',
  };
  await fetch(address(edge, '/api/objects/a/b'), { headers: forged });
  expect(seen[0]?.headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': `127.0.0.1:${edge.port}`,
  });
  expect(seen[0]?.headers['forwarded']).toBeUndefined();
});

test('passes a chunked body of a DELETE on with its framing', async () => {
  const records = await startService((request, response) => void request.pipe(response));
  const edge = await edgeBefore({ records: [records] });
  const request = openRequest(address(edge, '/api/objects/a/b/c'), {
    method: 'DELETE',
    headers: { 'transfer-encoding': 'chunked' },
  });
  request.write('first ');
  request.end('second');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe('first second');
});

test('hands each piece of an event stream on when it arrives, without waiting for more', async () => {
  let write: ((data: string) => void) | undefined;
  const gateway = await startService((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    write = (data) => response.write(data);
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const stream = await openStream(edge);
  expect(stream.headers['content-type']).toBe('text/event-stream');
  for (const data of ['data: one\n\n', 'data: two\n\n']) {
    write?.(data);
    expect(await nextChunk(stream)).toBe(data);
  }
  stream.destroy();
});

test.for([
  ['GET', '/api/realtime/subscribe', 'text/event-stream'],
  ['POST', '/api/graphql/subscriptions', 'text/event-stream'],
  ['GET', '/api/realtime/poll', '*/*'],
] as const)('closes the service side of %s %s when the client goes away', async ([method, path, accept]) => {
  const gateway = await startService((request, response) => {
    request.resume();
    if (accept === 'text/event-stream')
      response.writeHead(200, { 'Content-Type': accept }).write(': hello\n\n');
  });
  const arrived = once(gateway.server, 'request') as Promise<[IncomingMessage]>;
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const request = openRequest(address(edge, path), {
    method,
    headers: { accept },
    agent: false,
  });
  request.on('error', () => {});
  request.end(method === 'POST' ? '{}' : undefined);
  const [seen] = await arrived;
  const closed = once(seen.socket, 'close');
  request.destroy();
  await closed;
});

test('closes the service side of a stream whose client only shut down its sending half', async () => {
  const gateway = await startService((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': hello\n\n');
  });
  const arrived = once(gateway.server, 'request') as Promise<[IncomingMessage]>;
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const socket = connect(edge.port, '127.0.0.1');
  socket.write('GET /api/realtime/subscribe HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  const [seen] = await arrived;
  const closed = once(seen.socket, 'close');
  socket.resume().end();
  await closed;
});

test.for(['GET', 'POST'])('breaks a %s event stream off when its service breaks off', async (method) => {
  const sockets: Socket[] = [];
  const gateway = await startService((request, response) => {
    request.resume();
    sockets.push(request.socket);
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const request = openRequest(address(edge, '/api/graphql/subscriptions'), {
    method,
    headers: { accept: 'text/event-stream' },
    agent: false,
  });
  request.end(method === 'POST' ? '{}' : undefined);
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  expect(await nextChunk(stream)).toBe('data: 1\n\n');
  const failed = once(stream, 'error');
  stream.resume();
  sockets[0]?.resetAndDestroy();
  const [error] = await failed;
  expect((error as NodeJS.ErrnoException).code).toBe('ECONNRESET');
});

test.for(['resets', 'ends'])(
  'a client that does not read is cut off soon after its service %s the stream',
  async (how) => {
    const filling = Buffer.from(`data: ${'x'.repeat(100_000)}\n\n`);
    const gateway = await startService((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(filling);
    });
    const edge = await edgeBefore({ 'fanout-gateway': [gateway] }, { streamStallMs: 500 });
    const arrived = once(gateway.server, 'request');
    const client = connect({ port: edge.port, host: '127.0.0.1' });
    onTestFinished(() => void client.destroy());
    client.on('error', () => {});
    client.write('GET /api/realtime/subscribe HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
    client.pause();
    const [{ socket: service }] = (await arrived) as [IncomingMessage];
    // What does not fit into any buffer on the way stays with the service: the edge has stopped reading then.
    while (service.writableLength < 1_000_000) {
      service.write(filling);
      await nextTurn();
    }
    if (how === 'resets') service.resetAndDestroy();
    else service.end();
    // Stopping waits for every connection that is left.
    await edge.stop(60_000);
  },
);

test('a stream that its service ends in order is ended in order', async () => {
  const gateway = await startService((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('event: end\ndata: {}\n\n');
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  expect(await text(await openStream(edge))).toBe('event: end\ndata: {}\n\n');
});

test('tells an event stream whose service is away to come back later, spread over seconds, with status 200', async () => {
  const edge = await edgeBefore({ 'fanout-gateway': [await closedPort()], 'records': [await closedPort()] });
  const delays = new Set<number>();
  for (let attempt = 0; attempt < 5; attempt++) {
    const stream = await openStream(edge);
    expect(stream.statusCode).toBe(200);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const delay = Number(/^retry: (\d+)\n\n$/.exec(await text(stream))?.[1]);
    expect(delay).toBeGreaterThanOrEqual(1_000);
    expect(delay).toBeLessThan(8_000);
    delays.add(delay);
  }
  expect(delays.size).toBeGreaterThan(1);
  expect((await openStream(edge, '/api/objects/a/b')).statusCode).toBe(200);
});

test('refuses an address that is too long with a problem', async () => {
  const edge = await edgeBefore({ records: [await closedPort()] });
  const response = await fetch(address(edge, `/api/objects/a/b?${'x'.repeat(20_000)}`));
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ success: false, code: 'BAD_REQUEST' });
});

test('answers 503 with Retry-After and a problem when a service is away', async () => {
  const edge = await edgeBefore({ records: [await closedPort()] });
  for (const init of [{}, { method: 'POST', body: 'x' }]) {
    const response = await fetch(address(edge, '/api/objects/a/b'), init);
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toMatchObject({ success: false, code: 'SERVICE_UNAVAILABLE', status: 503 });
  }
});

test('spreads streams and requests over the gateways in turn and passes over one that is away', async () => {
  const hits = [0, 0];
  const counting =
    (index: number): RequestListener =>
    (request, response) => {
      request.resume();
      if (request.url !== '/readyz') hits[index] = (hits[index] ?? 0) + 1;
      response.end('ok');
    };
  const gateways = await Promise.all([startService(counting(0)), startService(counting(1))]);
  const edge = await edgeBefore({ 'fanout-gateway': [...gateways, await closedPort()] });
  for (let count = 0; count < 6; count++) {
    expect(await text(await openStream(edge))).toBe('ok');
    const posted = await fetch(address(edge, '/api/realtime/presence'), { method: 'POST', body: 'x' });
    expect(await posted.text()).toBe('ok');
  }
  expect(hits.reduce((sum, count) => sum + count, 0)).toBe(12);
  expect(Math.min(...hits)).toBeGreaterThanOrEqual(4);
});

test('gives new streams to the gateways that are ready', async () => {
  let drained = 0;
  const draining = await startService((request, response) => {
    if (request.url === '/readyz') response.writeHead(503).end();
    else response.end(String(++drained));
  });
  const ready = await startService((_request, response) => response.end('ready'));
  const edge = await edgeBefore({ 'fanout-gateway': [draining, ready] });
  await fetch(address(edge, '/readyz'));
  for (let count = 0; count < 4; count++) expect(await text(await openStream(edge))).toBe('ready');
  expect(drained).toBe(0);
});

test.for([
  ['breaks off', 503],
  ['answers', 413],
] as const)(
  'a service that %s in the middle of a large body costs this request only, not those after it on the connection',
  async ([how, status]) => {
    const records = await startService((request, response) => {
      if (request.method === 'GET') response.end('fine');
      else if (how === 'breaks off') request.once('data', () => request.socket.destroy());
      else {
        request.resume();
        response.writeHead(413).end('too much');
      }
    });
    const edge = await edgeBefore({ records: [records] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const send = async (method: string, body: string): Promise<number | undefined> => {
      const request = openRequest(address(edge, '/api/objects/a/b'), { method, agent });
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await text(response);
      return response.statusCode;
    };
    for (let round = 0; round < 5; round += 1) {
      expect(await send('POST', 'x'.repeat(5_000_000))).toBe(status);
      expect(await send('GET', '')).toBe(200);
    }
  },
);

test('repeats a request that met a kept-alive connection which the service had closed', async () => {
  let connections = 0;
  const records = await startService((_request, response) => response.end('ok'));
  records.server.on('connection', (socket: Socket) => {
    connections++;
    let requests = 0;
    // the second request on a connection finds it closed, as one does that arrives at the idle limit
    socket.on('data', () => void (++requests === 2 && socket.resetAndDestroy()));
  });
  const edge = await edgeBefore({ records: [records] });
  for (let count = 0; count < 3; count++) {
    expect(await (await fetch(address(edge, '/api/objects/a/b'))).text()).toBe('ok');
  }
  expect(connections).toBeGreaterThanOrEqual(2);
});

test('a torn answer of a service is a torn answer for the client', async () => {
  const records = await startService((request, response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('half');
    setImmediate(() => request.socket.resetAndDestroy());
  });
  const edge = await edgeBefore({ records: [records] });
  await expect(
    fetch(address(edge, '/api/objects/a/b')).then((response) => response.text()),
  ).rejects.toThrow();
});

test('the origin is alive by itself and ready when every service is', async () => {
  let ready = false;
  const records = await startService((_request, response) => response.writeHead(ready ? 200 : 503).end());
  const edge = await edgeBefore({ records: [records] });
  const alive = await fetch(address(edge, '/livez'), { headers: { 'x-correlation-id': 'c-1' } });
  expect([alive.status, alive.headers.get('x-correlation-id')]).toEqual([200, 'c-1']);
  for (const path of ['/livez', '/readyz']) {
    const written = await fetch(address(edge, path), { method: 'POST', body: '{}' });
    expect([written.status, written.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await written.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  }
  const before = await fetch(address(edge, '/readyz'));
  expect(before.status).toBe(503);
  expect(await before.json()).toEqual({ status: 'away', services: { records: 'away' } });
  ready = true;
  const after = await fetch(address(edge, '/readyz'));
  expect(after.status).toBe(200);
  expect(await after.json()).toEqual({ status: 'ready', services: { records: 'ready' } });
});

test('stopping refuses newcomers, lets what runs finish for the grace and then breaks it off', async () => {
  const finish: (() => void)[] = [];
  const gateway = await startService((request, response) => {
    response.writeHead(200, { 'Content-Type': request.headers.accept }).write(': hello\n\n');
    finish.push(() => response.end('bye'));
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const [first, second] = [await openStream(edge), await openStream(edge)];
  const polled = fetch(address(edge, '/api/realtime/poll'));
  await expect.poll(() => finish.length).toBe(3);
  const stopped = edge.stop(300);
  await expect(fetch(address(edge, '/livez'))).rejects.toThrow();
  finish[0]?.();
  finish[2]?.();
  expect(await text(first)).toBe(': hello\n\nbye');
  expect(await (await polled).text()).toBe(': hello\n\nbye');
  await expect(text(second)).rejects.toThrow('aborted');
  await stopped;
});

test('an event stream outlives every limit that a request has', async () => {
  const gateway = await startService((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': hello\n\n');
    setTimeout(() => response.write('data: late\n\n'), 700);
  });
  const limits = {
    keepAliveTimeout: 100,
    requestTimeout: 200,
    headersTimeout: 200,
    connectionsCheckingInterval: 50,
    streamStallMs: 200,
  };
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] }, limits);
  const stream = await openStream(edge);
  expect(await nextChunk(stream)).toBe(': hello\n\n');
  expect(await nextChunk(stream)).toBe('data: late\n\n');
  stream.destroy();
});
