import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';
import { SOCKET_LIMITS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { World } from '../test/world.ts';
import type { TestGateway } from '../test/world.ts';

const TABLE = '/api/tables/zaken-meldingen/subscribe';
const SHARED = '/api/realtime/subscribe';

let world: World;
let gateway: TestGateway;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway({ TIDEWIRE_CONNECTION_BUDGET_BYTES: '65536' });
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** A client that writes bytes rather than messages. */
class RawPeer {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => (this.received = Buffer.concat([this.received, bytes])));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  }

  static async open(
    path: string,
    headers: Record<string, string> = {},
    early: Buffer = Buffer.alloc(0),
  ): Promise<RawPeer> {
    const socket = connect(Number(new URL(gateway.url('')).port), '127.0.0.1');
    await once(socket, 'connect');
    const peer = new RawPeer(socket);
    const all = {
      'host': 'gateway',
      'connection': 'Upgrade',
      'upgrade': 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'authorization': `Bearer ${alice}`,
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(Buffer.concat([Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), early]));
    await waitFor(() => peer.received.includes('\r\n\r\n'), { what: 'the head of the answer' });
    return peer;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** The close code that comes; 1006: the connection was cut without one. Answers it by ending the connection. */
  async closeCode(): Promise<number> {
    const code = await waitFor(() => this.#findCloseCode() ?? (this.closed ? 1006 : undefined), {
      what: 'the connection is closed',
      timeoutMs: 15_000,
    });
    this.socket.end();
    await waitFor(() => this.closed, { what: 'the connection is over' });
    return code;
  }

  #findCloseCode(): number | undefined {
    const body = this.received.subarray(this.received.indexOf('\r\n\r\n') + 4);
    for (let at = 0; at + 2 <= body.length;) {
      let length = (body[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (body.length < start + 2) return undefined;
        length = body.readUInt16BE(start);
        start += 2;
      }
      if (((body[at] ?? 0) & 0x0f) === 8)
        return body.length < start + 2 ? undefined : body.readUInt16BE(start);
      at = start + length;
    }
    return undefined;
  }
}

/** A client's frame, masked with zeros. */
function frame(first: number, payload: Buffer | string, masked = true): Buffer {
  const bytes = Buffer.from(payload);
  const head = bytes.length < 126 ? Buffer.from([first, bytes.length]) : Buffer.from([first, 126, 0, 0]);
  if (bytes.length >= 126) head.writeUInt16BE(bytes.length, 2);
  if (masked) head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), bytes]);
}

const TEXT = 0x81;
const PING = 0x89;

test.each<[string, number, () => Buffer]>([
  ['a frame that is not masked', 1002, () => frame(TEXT, '{}', false)],
  ['a frame with a reserved bit', 1002, () => frame(0xa1, '{}')],
  ['a frame of an unknown kind', 1002, () => frame(0x83, '')],
  ['a control frame in pieces', 1002, () => frame(0x09, '')],
  ['a piece that continues nothing', 1002, () => frame(0x80, 'x')],
  ['text that is not UTF-8', 1007, () => frame(TEXT, Buffer.from([0xc3, 0x28]))],
  ['a frame that is too large', 1009, () => Buffer.from([TEXT, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0])],
  [
    'pieces that are too large together',
    1009,
    () =>
      Buffer.concat([
        frame(0x01, Buffer.alloc(40_000, 0x20)),
        frame(0x80, Buffer.alloc(SOCKET_LIMITS.maxMessageBytes - 40_000 + 1, 0x20)),
      ]),
  ],
])('%s closes its own connection with %i, and nobody else’s', async (_name, code, attack) => {
  using other = await gateway.socket(alice, TABLE);
  const peer = await RawPeer.open(SHARED);
  peer.socket.write(attack());
  expect(await peer.closeCode()).toBe(code);
  await world.platform.created(world.row({ titel: 'a' }));
  await other.until('change');
});

test('a message that becomes too large when it is inflated is not inflated', async () => {
  const peer = await RawPeer.open(SHARED, { 'sec-websocket-extensions': 'permessage-deflate' });
  expect(peer.text).toContain('permessage-deflate; server_no_context_takeover; client_no_context_takeover');
  const bomb = deflateRawSync(Buffer.alloc(16 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH });
  peer.socket.write(frame(0xc1, bomb.subarray(0, -4)));
  expect(await peer.closeCode()).toBe(1009);
});

test('a message of the largest size, in pieces with a ping between them, is one message', async () => {
  const peer = await RawPeer.open(SHARED);
  const text = Buffer.from(JSON.stringify({ type: 'ping' }).padEnd(SOCKET_LIMITS.maxMessageBytes, ' '));
  peer.socket.write(
    Buffer.concat([
      frame(0x01, text.subarray(0, 30_000)),
      frame(PING, 'p'),
      frame(0x80, text.subarray(30_000)),
    ]),
  );
  await waitFor(() => peer.text.includes('"pong"'), { what: 'the message is answered' });
  expect(peer.text.includes('\u008a\u0001p')).toBe(true);
});

test.each<[string, () => Buffer]>([
  ['pings', () => Buffer.concat(Array.from({ length: 5000 }, () => frame(PING, '')))],
  [
    'handshakes',
    () => Buffer.concat(Array.from({ length: 500 }, () => frame(TEXT, '{"table":"zaken-meldingen"}'))),
  ],
  ['garbage', () => Buffer.concat(Array.from({ length: 500 }, () => frame(TEXT, '{')))],
])('a flood of %s ends with the code that says so', async (_name, flood) => {
  const peer = await RawPeer.open(SHARED);
  peer.socket.write(flood());
  expect(await peer.closeCode()).toBe(4429);
});

test('an endless message of empty pieces ends too', { timeout: 30_000 }, async () => {
  const peer = await RawPeer.open(SHARED);
  const pieces = Buffer.concat(Array.from({ length: 50_000 }, () => frame(0x00, '')));
  peer.socket.write(frame(0x01, '{'));
  const flood = (): void => {
    if (!peer.closed) peer.socket.write(pieces, () => void setImmediate(flood));
  };
  flood();
  await waitFor(() => peer.closed, { what: 'the flood is ended', timeoutMs: 20_000 });
});

test('subscriptions beyond the limit are refused one by one, and those that are there go on', async () => {
  using socket = await gateway.socket(alice, SHARED);
  const limit = 100;
  for (let index = 0; index < limit + 2; index += 1) {
    socket.send({ table: 'zaken-meldingen', subscriptionId: `s${index}`, fields: ['titel'] });
  }
  await socket.until('subscribed', limit);
  const refused = await socket.until('error', 2);
  expect(refused.map(({ code, subscriptionId }) => [code, subscriptionId])).toEqual([
    ['TOO_MANY_SUBSCRIPTIONS', 's100'],
    ['TOO_MANY_SUBSCRIPTIONS', 's101'],
  ]);
  await world.platform.created(world.row({ titel: 'a' }));
  await socket.until('change', limit);
});

test('a client that never reads is cut off, and delays nobody', { timeout: 60_000 }, async () => {
  using reader = await gateway.socket(alice, TABLE);
  const silent = await RawPeer.open(TABLE);
  silent.socket.pause();
  const large = 'x'.repeat(40_000);
  for (let index = 0; index < 400; index += 1) {
    await world.platform.created(world.row({ titel: large }));
    if (index % 100 === 99) await reader.until('change', index + 1);
  }
  expect(reader.of('resync')).toEqual([]);
  silent.socket.resume();
  await waitFor(() => silent.closed || silent.text.includes('"behind"'), {
    what: 'who did not read is told to fetch again, or is gone',
    timeoutMs: 20_000,
  });
});

test('what is no handshake is refused in the words of the contract, before the upgrade', async () => {
  for (const headers of [
    { 'sec-websocket-version': '8' },
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-key': '' },
  ]) {
    const peer = await RawPeer.open(SHARED, headers);
    await waitFor(() => peer.closed, { what: 'the connection is closed' });
    expect(peer.text).toMatch(/^HTTP\/1\.1 400 /);
    expect(peer.text).toContain('"code":"BAD_REQUEST"');
  }
});

test('a session cookie opens a socket for allowed pages only', async () => {
  const guarded = await world.gateway({ TIDEWIRE_ALLOWED_ORIGINS: 'https://app.example' });
  const open = async (origin: string | undefined): Promise<number> => {
    using socket = await guarded.socket(undefined, SHARED, {
      headers: { cookie: `tidewire_session=${alice}`, ...(origin !== undefined && { origin }) },
    });
    return socket.status;
  };
  expect(await open('https://app.example')).toBe(101);
  expect(await open('https://evil.example')).toBe(403);
  expect(await open('https://app.example.evil.example')).toBe(403);
  expect(await open(undefined)).toBe(403);
  using socket = await guarded.socket(alice, SHARED, { headers: { origin: 'https://evil.example' } });
  expect(socket.status).toBe(101);
});

test('what is sent before the answer to the upgrade is heard after it', async () => {
  const peer = await RawPeer.open(SHARED, {}, frame(TEXT, '{"type":"ping"}'));
  await waitFor(() => peer.text.includes('"pong"'), { what: 'the early message is answered' });
});

test('sockets and streams are counted together, and the refusal says when to come again', async () => {
  const small = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  using stream = await small.subscribe(alice, 'topic=register/zaken');
  using socket = await small.socket(alice, SHARED);
  expect([stream.status, socket.status]).toEqual([200, 101]);
  using refused = await small.socket(alice, TABLE);
  expect(refused.status).toBe(429);
  expect(refused.headers['retry-after']).toBeDefined();
  expect(JSON.parse(refused.body)).toMatchObject({ success: false, code: 'TOO_MANY_CONNECTIONS' });
  socket.socket.close();
  await socket.untilClosed();
  await waitFor(
    async () => {
      using again = await small.socket(alice, SHARED);
      return again.status === 101;
    },
    { what: 'the place is free again' },
  );
});

test('a name of a subscription is never taken for another’s frames', async () => {
  using socket = await gateway.socket(alice, SHARED);
  const names = ['a', 'a"', '__proto__', 'constructor', '', 'x'.repeat(129), '\ud800'];
  for (const subscriptionId of names) socket.send({ table: 'zaken-meldingen', subscriptionId });
  await socket.until('subscribed', 4);
  await socket.until('error', 3);
  await world.platform.created(world.row({ titel: 'a' }));
  await socket.until('change', 4);
  expect(socket.of('change').map(({ subscriptionId }) => subscriptionId)).toEqual(names.slice(0, 4));
});
