import { createServer as createTlsServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createTestClock, waitFor } from '@tidewire/test-kit';
import type { TestClock } from '@tidewire/test-kit';
import { beforeEach, expect, test } from 'vitest';
import { createSelfSigned } from '../../test/self-signed.ts';
import { startTargetServer } from '../../test/target-server.ts';
import { createTargetClient } from './target-client.ts';
import type { TargetClient, TargetClientOptions } from './target-client.ts';

const SECRET = 'marked-secret';
const request = {
  headers: { TTL: '60', Authorization: `vapid ${SECRET}` },
  body: Buffer.from('hello'),
  timeoutMs: 10_000,
};
const OK = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';

let clock: TestClock;
beforeEach(() => {
  clock = createTestClock();
});

function clientOf(options: Partial<TargetClientOptions> = {}): TargetClient {
  return createTargetClient({ allowPrivate: true, clock, ...options });
}
const answering = (text: string) => (socket: Socket) => void socket.end(text);
const silent = (): void => undefined;
/** What it fails with; watched from now on. */
const failureOf = (posted: Promise<unknown>): Promise<unknown> =>
  posted.then(
    () => 'no failure',
    (error: unknown) => error,
  );

test('posts the body with its headers and tells what was answered', async () => {
  await using server = await startTargetServer(
    answering('HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nlate'),
  );
  expect(await clientOf().post(server.url, request)).toEqual({
    status: 429,
    retryAfterMs: 120_000,
    body: 'late',
  });
  expect(server.received).toMatch(/^POST \/hook\?a=b HTTP\/1\.1\r\n/);
  expect(server.received).toContain('\r\nTTL: 60\r\n');
  expect(server.received).toContain(`\r\nHost: 127.0.0.1:${server.port}\r\n`);
  expect(server.received).toContain('\r\nContent-Length: 5\r\n');
  expect(server.received).toContain('\r\nConnection: close\r\n');
  expect(server.received).toMatch(/\r\n\r\nhello$/);
});

test('lets no caller frame the request otherwise', async () => {
  await using server = await startTargetServer(answering(OK));
  const headers = { 'host': 'other.example', 'Content-length': '1', 'Transfer-Encoding': 'chunked' };
  await clientOf().post(server.url, { ...request, headers });
  expect(server.received).not.toContain('other.example');
  expect(server.received.match(/content-length/gi)).toHaveLength(1);
  expect(server.received).not.toMatch(/transfer-encoding/i);
  const smuggled = { 'X-A': 'a\r\nX-B: b' };
  await expect(clientOf().post(server.url, { ...request, headers: smuggled })).rejects.toThrow(TypeError);
});

test('goes to the address that the name meant when it was checked, whatever it means a moment later', async () => {
  await using meant = await startTargetServer(answering(OK));
  await using rebound = await startTargetServer(answering(OK), '127.0.0.2', meant.port);
  const answers = [['127.0.0.1'], ['127.0.0.2']];
  let asked = 0;
  const client = clientOf({ resolve: async () => answers[asked++] ?? [] });
  expect(await client.post(`http://push.example:${meant.port}/`, request)).toMatchObject({ status: 201 });
  expect([asked, meant.count, rebound.count]).toEqual([1, 1, 0]);
  expect(meant.received).toContain(`\r\nHost: push.example:${meant.port}\r\n`);
});

test('tries the next of the addresses that were checked', async () => {
  await using server = await startTargetServer(answering(OK), '127.0.0.2');
  const client = clientOf({ resolve: async () => ['127.0.0.1', '127.0.0.2'] });
  expect(await client.post(`http://push.example:${server.port}/`, request)).toMatchObject({ status: 201 });
});

test('offers the name, not the address, to who terminates TLS, and trusts no certificate that nobody vouches for', async () => {
  const names: string[] = [];
  let received = '';
  const server = createTlsServer({
    ...createSelfSigned('push.example'),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.on('secureConnection', (socket) => socket.on('data', (chunk) => (received += chunk.toString())));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const client = clientOf({ resolve: async () => ['127.0.0.1'] });
    await expect(client.post(`https://push.example:${port}/`, request)).rejects.toMatchObject({
      reason: 'unreachable',
      message: 'It cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT).',
    });
    expect([names, received]).toEqual([['push.example'], '']);
  } finally {
    server.close();
  }
});

test.each([
  ['only private addresses', ['10.0.0.1']],
  ['a private address among public ones', ['8.8.8.8', '127.0.0.1']],
  ['metadata', ['169.254.169.254']],
  ['metadata as IPv6', ['::ffff:169.254.169.254']],
  ['an address with a zone', ['fe80::1%lo']],
])('refuses a name that leads to %s', async (_what, addresses) => {
  const client = clientOf({ allowPrivate: false, resolve: async () => addresses });
  await expect(client.post('https://push.example.com/', request)).rejects.toMatchObject({
    reason: 'refused-address',
  });
});

test('refuses a private address before anything is sent there', async () => {
  await using server = await startTargetServer(answering(OK));
  const client = clientOf({ allowPrivate: false });
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', 'localhost']) {
    for (const scheme of ['http', 'https']) {
      await expect(client.post(`${scheme}://${host}:${server.port}/`, request)).rejects.toMatchObject({
        reason: 'refused-address',
      });
    }
  }
  expect(server.count).toBe(0);
});

test('a name that leads nowhere, and one that nobody can say, are told as unresolvable', async () => {
  for (const resolve of [async () => [], () => Promise.reject(new Error('SERVFAIL for secret.example'))]) {
    await expect(clientOf({ resolve }).post('http://push.example/', request)).rejects.toMatchObject({
      reason: 'unresolvable',
      message: expect.not.stringContaining('secret'),
    });
  }
});

test('does not follow a redirect', async () => {
  await using elsewhere = await startTargetServer(answering(OK));
  await using server = await startTargetServer(
    answering(
      `HTTP/1.1 307 Temporary\r\nLocation: http://127.0.0.1:${elsewhere.port}/\r\nContent-Length: 0\r\n\r\n`,
    ),
  );
  expect(await clientOf().post(server.url, request)).toEqual({ status: 307, body: '' });
  expect(elsewhere.count).toBe(0);
});

test.each([
  ['never answers', silent],
  ['ends neither head nor connection', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nX-A:')],
  [
    'announces more body than it sends',
    (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
  ],
  [
    'sends a chunk now and then',
    (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'),
  ],
  ['says to go on, and no more', (socket: Socket) => void socket.write('HTTP/1.1 100 Continue\r\n\r\n')],
])('gives up, and hangs up, on an endpoint that %s', async (_what, answer) => {
  await using server = await startTargetServer(answer);
  const failure = failureOf(clientOf().post(server.url, request));
  await server.requested();
  clock.advance(9_999);
  expect(server.open).toBe(1);
  clock.advance(1);
  expect(await failure).toMatchObject({ reason: 'timed-out' });
  await waitFor(() => server.open === 0, { what: 'the connection is closed' });
});

test('gives up on name servers that never answer', async () => {
  const client = clientOf({ resolve: () => new Promise(() => undefined) });
  const failure = failureOf(client.post('http://a.example/', request));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10_000);
  expect(await failure).toMatchObject({ reason: 'timed-out' });
});

test.each([
  [
    'changes the protocol',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    'malformed-answer',
  ],
  ['changes to no protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'malformed-answer'],
  [
    'sends one interim answer after another',
    'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9),
    'malformed-answer',
  ],
  ['speaks something else', 'SSH-2.0-OpenSSH_9.9\r\n', 'malformed-answer'],
  [
    'frames its answer in two ways',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'malformed-answer',
  ],
  ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'malformed-answer'],
  ['hangs up', '', 'unreachable'],
  ['has an endless head', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 'too-large'],
  ['sends too much', `HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n${'a'.repeat(70_000)}`, 'too-large'],
])('an endpoint that %s has not answered', async (_what, text, reason) => {
  await using server = await startTargetServer(answering(text));
  await expect(clientOf().post(server.url, request)).rejects.toMatchObject({
    reason,
    message: expect.not.stringMatching(`${SECRET}|127\\.0\\.0\\.1`),
  });
});

test('an endless answer is left as soon as it is too large', async () => {
  await using server = await startTargetServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const pour = (): void => {
      while (!socket.destroyed && socket.write('a'.repeat(16_384)));
    };
    socket.on('drain', pour);
    pour();
  });
  await expect(clientOf().post(server.url, request)).rejects.toMatchObject({ reason: 'too-large' });
  await waitFor(() => server.open === 0, { what: 'the connection is closed' });
});

test('keeps no more of an answer than its first KiB', async () => {
  await using server = await startTargetServer(
    answering(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'a'.repeat(1024)}${'b'.repeat(3976)}`),
  );
  expect((await clientOf().post(server.url, request)).body).toBe('a'.repeat(1024));
});

test('a port where nobody listens is told as unreachable, without the address', async () => {
  let port = 0;
  {
    await using server = await startTargetServer(silent);
    ({ port } = server);
  }
  await expect(clientOf().post(`http://127.0.0.1:${port}/`, request)).rejects.toMatchObject({
    reason: 'unreachable',
    message: 'It cannot be reached (ECONNREFUSED).',
  });
});

test('leaves no timer behind', async () => {
  await using server = await startTargetServer(answering(OK));
  let timers = 0;
  const counting: TestClock = {
    ...clock,
    setTimeout(run, delayMs) {
      timers += 1;
      const timer = clock.setTimeout(run, delayMs);
      return {
        cancel: () => {
          timers -= 1;
          timer.cancel();
        },
      };
    },
  };
  await clientOf({ clock: counting }).post(server.url, request);
  expect(timers).toBe(0);
});

test('ends with the signal of the caller, and by its reason', async () => {
  await using server = await startTargetServer(silent);
  const end = new AbortController();
  const failure = failureOf(clientOf().post(server.url, { ...request, signal: end.signal }));
  await server.requested();
  end.abort(new Error('stop'));
  expect(await failure).toMatchObject({ message: 'stop' });
  await waitFor(() => server.open === 0, { what: 'the connection is closed' });
  await expect(clientOf().post(server.url, { ...request, signal: end.signal })).rejects.toThrow('stop');
});

test('asks one host four times at once, while others are asked too', async () => {
  await using slow = await startTargetServer(silent);
  await using quick = await startTargetServer(answering(OK));
  const resolve = async (): Promise<string[]> => ['127.0.0.1'];
  const client = clientOf({ resolve });
  const end = new AbortController();
  const posts = Array.from({ length: 6 }, () =>
    client.post(`http://slow.example:${slow.port}/`, { ...request, signal: end.signal }),
  );
  const sockets = [];
  for (let n = 0; n < 4; n += 1) sockets.push(await slow.requested());
  expect(await client.post(`http://quick.example:${quick.port}/`, request)).toMatchObject({ status: 201 });
  expect(slow.count).toBe(4);
  sockets[0]?.end(OK);
  await slow.requested();
  expect(slow.count).toBe(5);
  end.abort(new Error('enough'));
  const results = await Promise.allSettled(posts);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('does not wait for ever for others that are slow', async () => {
  await using server = await startTargetServer(silent);
  const client = clientOf({ perHost: 1 });
  const first = failureOf(client.post(server.url, { ...request, timeoutMs: 60_000 }));
  await server.requested();
  const second = failureOf(client.post(server.url, request));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10_000);
  expect(await second).toMatchObject({ reason: 'timed-out' });
  expect(server.count).toBe(1);
  clock.advance(50_000);
  expect(await first).toMatchObject({ reason: 'timed-out' });
});
