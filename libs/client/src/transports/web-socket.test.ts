import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { waitFor } from '@tidewire/test-kit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { OddServer, answerJson, answerProblem } from '../../test/odd-server.ts';
import type { OddServerOptions } from '../../test/odd-server.ts';
import { createTestRuntime } from '../../test/test-runtime.ts';
import type { TestRuntime } from '../../test/test-runtime.ts';
import { TestOrder, Witness, toTable } from '../../test/witness.ts';
import type { SocketConstructor } from '../runtime.ts';
import type { Transport, TransportConnection } from './transport.ts';
import { createWebSocketTransport } from './web-socket.ts';

/** The server's end of a WebSocket. */
interface Peer {
  readonly socket: WebSocket;
  readonly address: string;
  /** What the client said, parsed. */
  readonly said: readonly unknown[];
}

interface Scene extends TestRuntime, AsyncDisposable {
  readonly server: OddServer;
  readonly peers: readonly Peer[];
  readonly witness: Witness;
  readonly order: TestOrder;
  readonly connection: TransportConnection;
  /** The server's end of the connection that was opened. */
  peer(): Promise<Peer>;
}

function transportOf({ runtime }: TestRuntime): Transport {
  const transport = createWebSocketTransport(runtime);
  if (transport === undefined) throw new Error('there are no WebSockets');
  return transport;
}

/** Opens a connection to a server that accepts every WebSocket, unless `options` say otherwise. */
async function openScene(
  handshakes: TestOrder['handshakes'] = [],
  options: OddServerOptions & { token?: string | null } = {},
): Promise<Scene> {
  const sockets = new WebSocketServer({ noServer: true });
  const peers: Peer[] = [];
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    sockets.handleUpgrade(request, socket, head, (made) => {
      const said: unknown[] = [];
      made.on('message', (data: Buffer) => said.push(JSON.parse(data.toString())));
      made.on('error', () => undefined);
      peers.push({ socket: made, address: request.url ?? '', said });
    });
  const server = await OddServer.start({ upgrade: accept, ...options });
  const { token = 'se cret' } = options;
  const time = createTestRuntime();
  const witness = new Witness();
  const order = new TestOrder(server.url, handshakes, token);
  const connection = transportOf(time).open(order, witness);
  return {
    ...time,
    server,
    peers,
    witness,
    order,
    connection,
    peer: async () => {
      await witness.untilOpened();
      return await waitFor(() => peers[0], { what: 'the server has accepted' });
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const PONG = { type: 'pong', timestamp: '2026-01-01T00:00:00.000Z' };

test('where there are no WebSockets there is no such transport', () => {
  expect(createWebSocketTransport(createTestRuntime({ WebSocket: undefined }).runtime)).toBeUndefined();
});

test('opens with its sub-protocol and the token, and subscribes with the cursors of then', async () => {
  await using scene = await openScene([toTable('s1')]);
  scene.order.set(toTable('s1', { lastEventId: 'evt-1' }));
  scene.order.set(toTable('s2', { fields: ['total'] }));
  const { socket, address, said } = await scene.peer();
  expect(socket.protocol).toBe('tidewire.v1');
  expect(address).toBe('/api/realtime/subscribe?token=se%20cret');
  await waitFor(() => said.length === 2, { what: 'both are asked for' });
  expect(said).toEqual([
    { type: 'subscribe', table: 'orders', subscriptionId: 's1', lastEventId: 'evt-1' },
    { type: 'subscribe', table: 'orders', subscriptionId: 's2', fields: ['total'] },
  ]);
  expect(scene.witness.told).toBe(1);
});

test('without a token the address has none', async () => {
  await using scene = await openScene([], { token: null });
  expect((await scene.peer()).address).toBe('/api/realtime/subscribe');
});

test('says what it is told to say, once it is open', async () => {
  await using scene = await openScene();
  const { connection } = scene;
  connection.ping();
  connection.add(toTable('too-early'));
  const { said } = await scene.peer();
  connection.add(toTable('s1'));
  connection.remove('s1');
  connection.say({ type: 'join', pagePath: '/dashboard' });
  connection.renew(null);
  connection.renew('another');
  connection.ping();
  await waitFor(() => said.length >= 5, { what: 'all of it arrives' });
  expect(said).toEqual([
    { type: 'subscribe', table: 'orders', subscriptionId: 's1' },
    { type: 'unsubscribe', subscriptionId: 's1' },
    { type: 'join', pagePath: '/dashboard' },
    { type: 'token', token: 'another' },
    { type: 'ping' },
  ]);
  expect(connection.speaks).toBe(true);
});

test('a message that nobody knows is passed on, what is no message is a sign of life, and binary ones are nothing', async () => {
  await using scene = await openScene();
  const { socket } = await scene.peer();
  for (const odd of [{ type: 'later' }, { type: 'constructor' }, {}, null, 7, []])
    socket.send(JSON.stringify(odd));
  socket.send(Buffer.from('not json'));
  socket.send(JSON.stringify(PONG));
  await scene.witness.until('pong');
  expect(scene.witness).toMatchObject({
    signs: 4,
    messages: [{ type: 'later' }, { type: 'constructor' }, PONG],
    ends: [],
  });
});

test('what is not JSON ends it', async () => {
  await using scene = await openScene();
  const { socket } = await scene.peer();
  socket.send('{"type":');
  socket.send(JSON.stringify(PONG));
  expect(await scene.witness.untilEnded()).toMatchObject({
    kind: 'lost',
    error: { code: 'UNUSABLE_ANSWER' },
  });
  await waitFor(() => socket.readyState === socket.CLOSED, { what: 'the server sees it closed' });
  expect(scene.witness.messages).toEqual([]);
});

test('a listener that throws is told of what follows', async () => {
  const reported: unknown[] = [];
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
  await using scene = await openScene();
  scene.witness.fault = new Error('of the listener');
  const { socket } = await scene.peer();
  socket.send(JSON.stringify(PONG));
  socket.send(JSON.stringify(PONG));
  await scene.witness.until('pong', 2);
  socket.close(4001, 'DRAINING');
  await scene.witness.untilEnded();
  expect(reported).toEqual(Array.from({ length: 4 }, () => scene.witness.fault));
});

test.each([
  [4501, 'UNAUTHORIZED', 'unauthorized', undefined],
  [4502, 'CREDENTIAL_ENDED', 'unauthorized', undefined],
  [4529, 'TOO_MANY_CONNECTIONS', 'lost', 30_000],
  [4429, 'RATE_LIMITED', 'lost', undefined],
  [4508, 'CONNECTION_IDLE', 'lost', undefined],
  [4001, 'DRAINING', 'lost', undefined],
  [4499, 'OF_LATER_DAYS', 'lost', undefined],
  [4505, 'CONNECTION_ENDED', 'refused', undefined],
  [4999, 'OF_LATER_DAYS', 'refused', undefined],
] as const)('%s %s: %s', async (code, reason, kind, retryAfterMs) => {
  await using scene = await openScene();
  (await scene.peer()).socket.close(code, reason);
  const end = await scene.witness.untilEnded();
  expect(end).toMatchObject({ kind, error: { code: reason, transient: kind === 'lost' } });
  expect('retryAfterMs' in end ? end.retryAfterMs : undefined).toBe(retryAfterMs);
});

test.each([1000, 1001, 1011, 1013])("%s: lost, and the reason is nobody's code", async (code) => {
  await using scene = await openScene();
  (await scene.peer()).socket.close(code, 'FORBIDDEN');
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
});

test('a connection that is cut is lost', async () => {
  await using scene = await openScene();
  (await scene.peer()).socket.terminate();
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
  expect(scene.server.requests).toEqual([]);
});

test('an upgrade that nobody answers is lost after five seconds, whatever comes then', async () => {
  let accept: (() => void) | undefined;
  await using scene = await openScene([], {
    upgrade: (_request, socket) => {
      accept = () => void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    },
  });
  await waitFor(() => accept, { what: 'the upgrade is asked for' });
  scene.clock.advance(4999);
  expect(scene.witness.told).toBe(0);
  scene.clock.advance(1);
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
  accept?.();
  expect(scene.witness.told).toBe(1);
});

const refuseUpgrade: OddServerOptions['upgrade'] = (_request, socket) =>
  void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');

test.each<[string, OddServerOptions['answer'], object]>([
  [
    'the credential does not count',
    (_request, response) => answerProblem(response, 401, 'UNAUTHORIZED'),
    { kind: 'unauthorized', error: { code: 'UNAUTHORIZED' } },
  ],
  [
    'the credential counts',
    (_request, response) => answerJson(response, 200, {}),
    { kind: 'lost', error: { code: 'NETWORK' } },
  ],
  [
    'somebody else answers 401',
    (_request, response) => response.writeHead(401).end('<html>'),
    { kind: 'lost', error: { code: 'UNUSABLE_ANSWER' } },
  ],
  [
    'nobody can say',
    (_request, response) => answerProblem(response, 503, 'SERVICE_UNAVAILABLE', { 'retry-after': '3' }),
    { kind: 'lost', retryAfterMs: 3000, error: { code: 'SERVICE_UNAVAILABLE' } },
  ],
  [
    'nobody answers',
    (_request, response) => response.socket?.destroy(),
    { kind: 'lost', error: { code: 'NETWORK' } },
  ],
])('after a refused upgrade another request tells that %s', async (_what, answer, end) => {
  await using scene = await openScene([], { upgrade: refuseUpgrade, ...(answer && { answer }) });
  expect(await scene.witness.untilEnded()).toMatchObject(end);
  expect(scene.server.requests).toMatchObject([
    { method: 'GET', path: '/api/auth/me', headers: { authorization: 'Bearer se cret' } },
  ]);
  expect(scene.witness.openings).toBe(0);
});

test('why an upgrade was refused is not waited for without end', async () => {
  await using scene = await openScene([], { upgrade: refuseUpgrade });
  await scene.server.until(1);
  scene.clock.advance(4000);
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
});

test('a refused upgrade of nobody is not a matter of credentials', async () => {
  await using scene = await openScene([], {
    token: null,
    upgrade: refuseUpgrade,
    answer: (_request, response) => answerProblem(response, 401, 'UNAUTHORIZED'),
  });
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
});

test('a WebSocket that may not be made is lost, later than it was opened', async () => {
  const cause = new Error('The operation is insecure.');
  const WebSocket = function refuse() {
    throw cause;
  } as unknown as SocketConstructor;
  const witness = new Witness();
  transportOf(createTestRuntime({ WebSocket })).open(new TestOrder('http://here'), witness);
  expect(witness.told).toBe(0);
  expect(await witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK', cause } });
});

test('nothing is told, said or asked after it was closed', async () => {
  await using scene = await openScene([toTable('s1')]);
  const { connection, witness, clock } = scene;
  const { socket, said } = await scene.peer();
  await waitFor(() => said.length === 1, { what: 'it is subscribed' });
  socket.send(JSON.stringify(PONG));
  connection.close();
  connection.close();
  connection.ping();
  connection.add(toTable('s2'));
  clock.advance(60_000);
  await waitFor(() => socket.readyState === socket.CLOSED, { what: 'the server sees it closed' });
  expect(witness).toMatchObject({ openings: 1, messages: [], signs: 0, ends: [] });
  expect(said).toHaveLength(1);
});

test('a connection that is closed while it opens tells nothing', async () => {
  await using scene = await openScene([toTable('s1')]);
  scene.connection.close();
  scene.clock.advance(60_000);
  using other = await openOther(scene.server.url);
  await other.untilOpened();
  expect(scene.witness.told).toBe(0);
});

async function openOther(url: string): Promise<Witness & Disposable> {
  const witness = new Witness();
  const connection = transportOf(createTestRuntime()).open(new TestOrder(url), witness);
  return Object.assign(witness, { [Symbol.dispose]: () => connection.close() });
}
