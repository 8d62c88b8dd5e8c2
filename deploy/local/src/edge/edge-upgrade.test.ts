import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { closedPort, edgeBefore, startService } from './edge-harness.ts';

test('joins a WebSocket to its service in both directions, early bytes included', async () => {
  const gateway = await startService(() => {});
  gateway.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Accept: for-${String(request.headers['sec-websocket-key'])}\r\n\r\nwelcome `,
    );
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const socket = connect(edge.port, '127.0.0.1').setEncoding('latin1');
  let received = '';
  socket.on('data', (data) => (received += String(data)));
  socket.write(
    'GET /api/realtime/subscribe HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n' +
      'Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\nearly ',
  );
  await expect.poll(() => received).toContain('early ');
  expect(received).toMatch(/^HTTP\/1\.1 101 /);
  expect(received).toContain('Sec-WebSocket-Accept: for-k\r\n');
  socket.write('later');
  await expect.poll(() => received).toMatch(/welcome early later$/);
  socket.destroy();
});

test('the end of either side of a WebSocket ends the other', async () => {
  const sockets: Socket[] = [];
  const gateway = await startService(() => {});
  gateway.server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {}).resume();
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const open = async (): Promise<Socket> => {
    const socket = connect(edge.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'GET /api/realtime/subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await once(socket, 'data');
    return socket.resume();
  };
  const first = await open();
  const serviceEnded = once(sockets[0] ?? new Socket(), 'end');
  first.destroy();
  await serviceEnded;
  const second = await open();
  const clientClosed = once(second, 'close');
  sockets[1]?.resetAndDestroy();
  await clientClosed;
});

test('a refused upgrade gets the answer of the service and no way past the edge', async () => {
  const paths: string[] = [];
  const gateway = await startService((request, response) =>
    response.end(paths.push(request.url ?? '').toString()),
  );
  gateway.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    paths.push(request.url ?? '');
    // a service that keeps the refused connection open, as HTTP allows
    socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nWWW-Authenticate: Bearer\r\n\r\nnope');
    socket.on('data', (data) => paths.push(String(data)));
  });
  const edge = await edgeBefore({ 'fanout-gateway': [gateway] });
  const socket = connect(edge.port, '127.0.0.1').setEncoding('latin1');
  const answer = text(socket);
  socket.write(
    'GET /api/realtime/subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n' +
      'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
  );
  expect(await answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[\s\S]*WWW-Authenticate: Bearer[\s\S]*nope$/);
  expect(paths).toEqual(['/api/realtime/subscribe']);
});

test('refuses an upgrade with 503 when the gateway is away and with 404 where nothing is', async () => {
  const edge = await edgeBefore({ 'fanout-gateway': [await closedPort()] });
  const upgrade = async (path: string): Promise<string> => {
    const socket = connect(edge.port, '127.0.0.1').setEncoding('latin1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    return text(socket);
  };
  expect(await upgrade('/api/realtime/subscribe')).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 1\r\n/);
  expect(await upgrade('/metrics')).toMatch(/^HTTP\/1\.1 404 [\s\S]*"code":"NOT_FOUND"/);
});
