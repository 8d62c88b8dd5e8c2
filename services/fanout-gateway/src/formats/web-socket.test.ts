import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deflatedSocketFrame, pongFrame, socketFrame } from './web-socket.ts';

/** Somebody else's reading of frames: the client of `ws`, at a server that writes bytes. */
const server = createServer();
const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
});
let connection: Socket;
let client: WebSocket;

beforeAll(async () => {
  server.on('upgrade', (request, socket: Socket, head) => {
    connection = socket;
    sockets.handleUpgrade(request, socket, head, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
});

afterAll(() => {
  client.terminate();
  server.close();
});

async function read(bytes: Buffer): Promise<string> {
  const message = once(client, 'message');
  connection.write(bytes);
  const [data] = (await message) as [Buffer];
  return data.toString();
}

const noise = (length: number): string => randomBytes(length).toString('base64').slice(0, length);

test.each([0, 1, 125, 126, 1023, 1024, 65_535, 65_536, 200_000])(
  'a text of %i bytes arrives as it was',
  async (length) => {
    const text = noise(length);
    expect(await read(socketFrame(text))).toBe(text);
    expect(await read(deflatedSocketFrame(text))).toBe(text);
  },
);

test('characters of several bytes arrive as they were', async () => {
  const text = 'Zwölf Boxkämpfer 🥊 '.repeat(100);
  expect(await read(socketFrame(text))).toBe(text);
  expect(await read(deflatedSocketFrame(text))).toBe(text);
});

test('compresses what is long enough to become smaller, every message by itself', async () => {
  const text = '{"status":"processing"}'.repeat(100);
  const frame = deflatedSocketFrame(text);
  expect(frame.length).toBeLessThan(socketFrame(text).length / 10);
  for (let round = 0; round < 3; round += 1) expect(await read(frame)).toBe(text);
  const short = '{"type":"pong"}';
  expect(deflatedSocketFrame(short)).toEqual(socketFrame(short));
});

test('frames that were joined are read one by one', async () => {
  const texts = ['a', noise(300), 'b'.repeat(2000)];
  const seen: string[] = [];
  const take = (data: Buffer): void => void seen.push(data.toString());
  client.on('message', take);
  connection.write(Buffer.concat(texts.map(deflatedSocketFrame)));
  await expect.poll(() => seen).toEqual(texts);
  client.off('message', take);
});

test('a pong has the payload of its ping', async () => {
  const pong = once(client, 'pong');
  connection.write(pongFrame(Buffer.from('are you there')));
  expect(String((await pong)[0])).toBe('are you there');
});
