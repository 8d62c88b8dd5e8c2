import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { TidewireError } from '@tidewire/contract';
import { expect, onTestFinished, test } from 'vitest';
import { createManualClock, systemClock } from './clock.ts';
import { createHttpServer, drainServer, listen } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { takeSocket, takeUpgrade } from './stream-front.ts';

interface Streams {
  readonly app: HttpServer;
  readonly port: number;
  /** The connections that were taken, in their order. */
  readonly taken: Socket[];
  /** What came behind the heads of upgrades. */
  readonly heads: string[];
}

/** `/stream` begins a stream, or is refused with `?refuse`; `/stream/socket` is upgraded. */
async function startStreams(): Promise<Streams> {
  const taken: Socket[] = [];
  const heads: string[] = [];
  const app = createHttpServer({
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    clock: systemClock,
    ready: () => true,
    isStream: (method, target) => method === 'GET' && target?.startsWith('/stream') === true,
  });
  app.get('/stream', { config: { authentication: 'none' } }, async (request, reply) => {
    if (request.url.includes('refuse')) throw new TidewireError('NOT_FOUND', 'No such stream');
    const { socket } = reply.raw;
    if (socket === null) return;
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' });
    reply.raw.flushHeaders();
    takeSocket(reply.raw, socket);
    socket.write('5\r\nhello\r\n');
    taken.push(socket);
    reply.hijack();
  });
  app.get('/stream/socket', { config: { authentication: 'none' } }, async (_request, reply) => {
    const upgrade = takeUpgrade(reply.raw);
    heads.push(String(upgrade?.head));
    upgrade?.socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    reply.hijack();
  });
  const port = Number(new URL(await listen(app, '127.0.0.1', 0)).port);
  onTestFinished(() => drainServer(app, { timeoutMs: 0, clock: systemClock }));
  return { app, port, taken, heads };
}

class RawClient {
  text = '';
  closed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => (this.text += bytes.toString('latin1')));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closed = true));
    onTestFinished(() => void this.socket.destroy());
  }

  send(text: string): void {
    this.socket.write(text);
  }
}

const head = (target: string, ...lines: string[]): string =>
  [`GET ${target} HTTP/1.1`, 'host: x', ...lines, '', ''].join('\r\n');

test('a stream leaves the parser of its connection, and neither request nor answer is kept', async () => {
  const { port, taken } = await startStreams();
  const client = new RawClient(port);
  client.send(head('/stream'));
  await expect.poll(() => client.text).toContain('hello');
  expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const [socket] = taken;
  expect(socket).toMatchObject({ parser: null, _httpMessage: null });
  socket?.end('0\r\n\r\n');
  await expect.poll(() => client.closed).toBe(true);
  expect(client.text).toMatch(/\r\n5\r\nhello\r\n0\r\n\r\n$/);
});

test('a head that comes in pieces is read as a whole', async () => {
  const { port, taken } = await startStreams();
  const client = new RawClient(port);
  await new Promise((resolve) => client.socket.once('connect', resolve));
  for (const letter of head('/stream', 'x-one: two')) {
    client.send(letter);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => client.text).toContain('hello');
  expect(taken[0]).toMatchObject({ parser: null });
});

test('an answer that is no stream is complete, and its connection ends with it', async () => {
  const { port } = await startStreams();
  const client = new RawClient(port);
  client.send(head('/stream?refuse'));
  await expect.poll(() => client.closed).toBe(true);
  expect(client.text).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  expect(client.text.toLowerCase()).toContain('connection: close');
  expect(client.text).toContain('"No such stream"');
});

test('a stream on a connection that was used before is served as any answer is', async () => {
  const { port, taken } = await startStreams();
  const client = new RawClient(port);
  client.send(head('/livez'));
  await expect.poll(() => client.text).toContain('"alive"');
  client.send(head('/stream'));
  await expect.poll(() => client.text).toContain('hello');
  expect(taken).toHaveLength(1);
  expect(taken[0]).not.toMatchObject({ parser: null });
});

test.each([
  ['/stream', 'hello'],
  ['/livez', '"alive"'],
])('a client that asks for another protocol at %s is answered in this one', async (target, answer) => {
  const { port } = await startStreams();
  for (const protocol of ['websocket', 'h2c']) {
    const client = new RawClient(port);
    client.send(head(target, 'connection: upgrade', `upgrade: ${protocol}`));
    await expect.poll(() => client.text).toContain(answer);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  }
});

test('heads of a stream are as strict as all others', async () => {
  const { port, taken } = await startStreams();
  for (const [request, status] of [
    ['GET /stream HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', '400'],
    ['GET /stream HTTP/1.1\r\n\r\n', '400'],
    [head('/stream', `x-long: ${'x'.repeat(20_000)}`), '400'],
  ] as const) {
    const client = new RawClient(port);
    client.send(request);
    await expect.poll(() => client.text).toContain(`HTTP/1.1 ${status}`);
  }
  expect(taken).toEqual([]);
});

test('what a client sends after its request is not answered', async () => {
  const { port, taken } = await startStreams();
  const client = new RawClient(port);
  client.send(head('/stream') + head('/livez'));
  await expect.poll(() => client.text).toContain('hello');
  client.send(head('/livez'));
  await expect.poll(() => taken[0]?.bytesRead).toBe(3 * head('/livez').length + 1);
  expect(client.text).not.toContain('"alive"');
});

test('a client that ends its side or breaks the connection has gone', async () => {
  const { port, taken } = await startStreams();
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const client = new RawClient(port);
    client.send(head('/stream'));
    await expect.poll(() => client.text).toContain('hello');
    client.socket[leave]();
    await expect.poll(() => taken.at(-1)?.destroyed).toBe(true);
  }
});

test('a server that stops cuts the streams that are left at the limit', async () => {
  const { app, port } = await startStreams();
  const clock = createManualClock();
  const client = new RawClient(port);
  client.send(head('/stream'));
  await expect.poll(() => client.text).toContain('hello');
  const drained = drainServer(app, { timeoutMs: 1000, clock });
  expect(client.closed).toBe(false);
  clock.advance(1000);
  await drained;
  await expect.poll(() => client.closed).toBe(true);
});

test('an upgrade on a connection that was used before is taken with what came behind its head', async () => {
  const { port, heads } = await startStreams();
  const client = new RawClient(port);
  client.send(head('/livez'));
  await expect.poll(() => client.text).toContain('"alive"');
  client.send(`${head('/stream/socket', 'connection: keep-alive, Upgrade', 'upgrade: WebSocket')}early`);
  await expect.poll(() => client.text).toContain('101');
  expect(heads).toEqual(['early']);
});
