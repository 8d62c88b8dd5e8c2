import type { Socket } from 'node:net';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSockets } from '../../test/push-socket-harness.ts';

const LARGE = { text: 'x'.repeat(64 * 1024) };

type LoggedIn = Awaited<ReturnType<TestSockets['login']>>;

let server: TestSockets;

beforeEach(async () => {
  server = await TestSockets.start();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

/** Keeps a client from reading, and sends it so much that messages are dropped; returns how many were not. */
async function backlog({ client, socket }: LoggedIn): Promise<number> {
  client.socket.pause();
  const { custom } = server.sockets.counters.sent;
  let sent = 0;
  let dropped = 0;
  // The first ones are in the buffers of the operating system, which takes them when it gets to it.
  await waitFor(
    async () => {
      for (let round = 0; round < 20; round += 1) socket.tell('large', LARGE);
      const before = sent;
      sent = server.sockets.counters.sent.custom - custom;
      dropped = sent === before ? dropped + 1 : 0;
      await turn();
      return dropped > 20;
    },
    { what: 'messages are dropped', timeoutMs: 20_000 },
  );
  return sent;
}

async function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
}

test('a message is its name, and its body behind one space as compact JSON', async () => {
  const { client, socket } = await server.login('alice');
  socket.tell('or-object-1', { action: 'update', register: 'zaken', schema: 'ü' });
  socket.tell('or-custom', null);
  socket.tell('or-empty', {});
  expect(await client.until(4)).toEqual([
    'authenticated',
    'or-object-1 {"action":"update","register":"zaken","schema":"ü"}',
    'or-custom',
    'or-empty {}',
  ]);
  expect(server.sockets.counters).toEqual({ opened: 1, sent: { notification: 0, custom: 3 } });
});

test('reminders are put together, and messages do not wait for them', async () => {
  const { client, socket } = await server.login('alice');
  socket.remind();
  socket.tell('first', null);
  socket.remind();
  expect(await client.until(2)).toEqual(['authenticated', 'first']);
  server.clock.advance(100);
  expect((await client.until(3)).at(-1)).toBe('notify_notification');
  socket.remind();
  socket.tell('second', null);
  server.clock.advance(899);
  await client.roundTrip();
  expect(client.texts.slice(3)).toEqual(['second']);
  server.clock.advance(101);
  expect((await client.until(5)).at(-1)).toBe('notify_notification');
  expect(server.sockets.counters.sent).toEqual({ notification: 2, custom: 2 });
});

test('what a client says later is ignored, also the opting in that others know', async () => {
  const { client, socket } = await server.login('alice');
  for (const text of ['listen notify_file_id', 'listen a', '{}', '']) client.socket.send(text);
  client.socket.send(Buffer.from([1, 2, 3]));
  await client.roundTrip();
  socket.tell('not-listened-to', null);
  expect(await client.until(2)).toEqual(['authenticated', 'not-listened-to']);
});

test('is pinged with four bytes that are not 0, stays while it answers them, and its own pings are echoed', async () => {
  const { client } = await server.login('alice');
  const pongs: string[] = [];
  client.socket.on('pong', (payload: Buffer) => pongs.push(payload.toString()));
  client.socket.ping();
  client.socket.ping('hello');
  await waitFor(() => pongs.length === 2, { what: 'they are answered' });
  expect(pongs).toEqual(['', 'hello']);
  server.clock.advance(500);
  await waitFor(() => client.pings.length === 1, { what: 'the first ping comes' });
  for (let round = 2; round < 5; round += 1) {
    await client.roundTrip();
    server.clock.advance(30_000);
    await waitFor(() => client.pings.length === round, { what: 'the next ping comes' });
  }
  for (const ping of client.pings) {
    expect(ping).toHaveLength(4);
    expect(ping).not.toContain(0);
  }
  expect(client.closed).toBeUndefined();
});

test.each([
  ['has other bytes', Buffer.from([1, 2, 3, 4])],
  ['does not come', undefined],
])('is closed when a pong %s', async (_how, pong) => {
  using client = await server.client([], { autoPong: false });
  for (const text of ['alice', 'secret']) client.socket.send(text);
  await client.until(1);
  server.clock.advance(500);
  await waitFor(() => client.pings.length === 1, { what: 'the first ping comes' });
  if (pong === undefined) server.clock.advance(30_000);
  else client.socket.pong(pong);
  expect(await client.untilClosed()).toBe(1005);
  expect(server.ended).toHaveLength(1);
});

test('a frame that is too long ends the socket', async () => {
  const { client } = await server.login('alice');
  client.socket.send('x'.repeat(4096));
  await client.roundTrip();
  client.socket.send('x'.repeat(4097));
  expect(await client.untilClosed()).toBe(1009);
  using stranger = await server.client(['x'.repeat(4097)]);
  expect(await stranger.untilClosed()).toBe(1009);
});

test.each(['messages', 'pings', 'pongs'])('too many %s end the socket, and so many do not', async (kind) => {
  const { client } = await server.login('alice');
  const send = (): void => {
    if (kind === 'messages') client.socket.send('listen');
    else if (kind === 'pings') client.socket.ping('p');
    else client.socket.pong('p');
  };
  // The login was two frames, and the round trip is one.
  for (let count = 0; count < 197; count += 1) send();
  await client.roundTrip();
  expect(client.closed).toBeUndefined();
  send();
  expect(await client.untilClosed()).toBe(1008);
  expect(server.ended).toHaveLength(1);
});

test('messages of nothing but empty fragments count by their bytes', async () => {
  const { client } = await server.login('alice');
  const { _socket: connection } = client.socket as unknown as { _socket: Socket };
  const fragment = (first: number): Buffer => Buffer.from([first, 0x80, 0, 0, 0, 0]);
  const rest = Array<Buffer>(16_000).fill(fragment(0));
  const message = Buffer.concat([fragment(1), ...rest, fragment(0x80)]);
  for (let count = 0; count < 9; count += 1) connection.write(message);
  await client.roundTrip();
  server.clock.advance(500);
  await client.roundTrip();
  expect(client.closed).toBeUndefined();
  for (let count = 0; count < 9; count += 1) connection.write(message);
  await client.roundTrip();
  server.clock.advance(500);
  expect(await client.untilClosed()).toBe(1008);
});

test('a client that takes nothing delays nobody, and is ended after 30 s', async () => {
  const quick = await server.login('quick');
  const slow = await server.login('slow');
  server.clock.advance(500);
  await waitFor(() => slow.client.pings.length === 1, { what: 'the first ping comes' });
  await Promise.all([quick.client.roundTrip(), slow.client.roundTrip()]);
  server.clock.advance(20_000);
  await backlog(slow);
  quick.socket.tell('now', null);
  expect(await quick.client.until(2)).toEqual(['authenticated', 'now']);
  let halfSeconds = 0;
  for (; server.ended.length === 0 && halfSeconds < 100; halfSeconds += 1) {
    server.clock.advance(500);
    await quick.client.roundTrip();
  }
  // The next ping is not due before that, and the end for want of a pong another 30 s later.
  expect(halfSeconds).toBeGreaterThan(60);
  expect(server.ended).toEqual([slow.socket]);
  slow.client.socket.resume();
  expect(await slow.client.untilClosed()).toBe(1006);
  expect(server.admissions.map(({ released }) => released)).toEqual([0, 1]);
  quick.socket.tell('still', null);
  expect(await quick.client.until(3)).toContain('still');
});

test('what was dropped of a slow client is one reminder when it has caught up', async () => {
  const slow = await server.login('slow');
  const { client, socket } = slow;
  const sent = await backlog(slow);
  socket.remind();
  server.clock.advance(100);
  expect(server.sockets.counters.sent.notification).toBe(0);
  client.socket.resume();
  await client.until(1 + sent);
  server.clock.advance(500);
  expect((await client.until(2 + sent)).at(-1)).toBe('notify_notification');
  await client.roundTrip();
  server.clock.advance(20_000);
  socket.tell('again', null);
  expect((await client.until(3 + sent)).at(-1)).toBe('again');
  expect(client.texts.filter((text) => text === 'notify_notification')).toHaveLength(1);
});

test('the end of a right cuts off what was not taken', async () => {
  const slow = await server.login('slow');
  const sent = await backlog(slow);
  slow.socket.end();
  expect([server.ended, server.sockets.size]).toEqual([[slow.socket], 0]);
  slow.client.socket.resume();
  expect(await slow.client.untilClosed()).toBe(1006);
  expect(slow.client.texts.length).toBeLessThan(1 + sent);
});

test('an end closes a socket that takes everything, once, and nothing is told after it', async () => {
  const { client, socket } = await server.login('alice');
  socket.tell('before', null);
  socket.remind();
  await client.until(2);
  socket.end();
  socket.end();
  socket.tell('after', null);
  socket.remind();
  server.clock.advance(60_000);
  expect(await client.untilClosed()).toBe(1005);
  expect(client.texts).toEqual(['authenticated', 'before']);
  expect(server.sockets.counters.sent).toEqual({ notification: 0, custom: 1 });
  expect(server.ended).toEqual([socket]);
  expect(server.admissions[0]?.released).toBe(1);
});
