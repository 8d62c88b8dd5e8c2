/**
 * The sockets of the benchmark, in a process of their own: opens them, checks every delivery, and answers orders of its
 * parent (`socket-orders.ts`).
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { nowUs } from '../bench-town.ts';
import { ClassCheck } from './delivery-check.ts';
import { COMPRESSED_TEXT, TEXT, answerTo, readFrames, upgradeRequest } from './socket-frames.ts';
import type { SocketAnswer, SocketOrder, SocketReport } from './socket-orders.ts';
import type { SocketWrite } from './view-classes.ts';

/** One socket. Plain state: the sockets must cost less than what they measure. */
interface Client {
  readonly socket: Socket;
  readonly check: ClassCheck;
  state: 'upgrading' | 'open' | 'subscribed';
  /** Bytes of a frame, or of the answer to the upgrade, whose end has not come. */
  rest: Buffer | undefined;
  /** Deliveries of this round. */
  place: number;
}

type OpenOrder = Extract<SocketOrder, { type: 'open' }>;

const CONNECTS_AT_ONCE = 100;
/** Sockets per source address: a port is taken for each. */
const SOCKETS_PER_ADDRESS = 5000;
const READ_BYTES = 256 * 1024;
const CHANGE = Buffer.from('{"type":"change"');
const SUBSCRIBED = Buffer.from('{"type":"subscribed"');
const HEARTBEAT = Buffer.from('{"type":"heartbeat"');
const MOST_FAULTS = 10;
/** Answers after which a client comes again, and when. */
const CLOSED = 'closed';
const TRANSIENT: ReadonlySet<string> = new Set(['429', '503', CLOSED]);
const RETRY_MS = 1000;

/** All sockets read into one buffer, one after the other. */
const incoming = Buffer.allocUnsafe(READ_BYTES);
const clients = new Set<Client>();
let checks: ClassCheck[] = [];
let plain = false;
let openSeconds = 0;
let refused: Record<string, number> = {};
const faults = new Map<string, number>();
let writes: readonly SocketWrite[] = [];
let firstUs: number[] = [];
let lastUs: number[] = [];
let [deliveries, expected, pings, heartbeats] = [0, 0, 0, 0];
let lastAt = 0;
let now = 0;

function fault(what: string): void {
  if (faults.size < MOST_FAULTS || faults.has(what)) faults.set(what, (faults.get(what) ?? 0) + 1);
}

async function open(order: OpenOrder): Promise<void> {
  plain = order.classes === undefined;
  checks = (order.classes ?? [undefined]).map((viewClass) => new ClassCheck(viewClass));
  refused = {};
  const began = performance.now();
  const waiting = order.sockets.entries();
  const next = async (): Promise<void> => {
    for (const [index, { path, viewClass }] of waiting) {
      await openOne(order, path, viewClass, index);
    }
  };
  await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, next));
  openSeconds = (performance.now() - began) / 1000;
}

/** Comes again when it is told to, as clients do. */
async function openOne(order: OpenOrder, path: string, viewClass: number, index: number): Promise<void> {
  for (;;) {
    const refusal = await tryOpen(order, path, viewClass, index);
    if (refusal === undefined) return;
    const status = refusal === CLOSED ? CLOSED : refusal.slice(9, 12);
    if (!TRANSIENT.has(status)) throw new Error(`refused: ${refusal.slice(0, 600)}`);
    refused[status] = (refused[status] ?? 0) + 1;
    await pause(RETRY_MS);
  }
}

/** Resolves when the socket is subscribed, or with the answer that refused it. */
function tryOpen(
  order: OpenOrder,
  path: string,
  viewClass: number,
  index: number,
): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect({
      host: order.host,
      port: order.port,
      localAddress: `127.0.0.${2 + Math.floor(index / SOCKETS_PER_ADDRESS)}`,
      noDelay: true,
      onread: {
        buffer: incoming,
        callback: (size, buffer) => {
          now = nowUs();
          const bytes = joined(client, (buffer as Buffer).subarray(0, size));
          if (client.state === 'subscribed') take(client, bytes);
          else if (client.state === 'open') greet(client, bytes);
          else upgrade(client, bytes, done);
          if (client.state === 'subscribed') done(undefined);
          return true;
        },
      },
    });
    const check = checks[viewClass] as ClassCheck;
    const client: Client = { socket, check, state: 'upgrading', rest: undefined, place: 0 };
    socket.on('error', ({ message }) => fault(message));
    socket.on('close', () => {
      if (clients.has(client) && client.state === 'subscribed') fault('a socket was closed');
      else clients.delete(client);
      done(CLOSED);
    });
    socket.write(upgradeRequest(`${order.host}:${order.port}`, path, order.deflate));
  });
}

function upgrade(client: Client, bytes: Buffer, refuse: (answer: string) => void): void {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    client.rest = Buffer.from(bytes);
  } else if (bytes.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
    clients.add(client);
    client.state = plain ? 'subscribed' : 'open';
    greet(client, bytes.subarray(end + 4));
  } else {
    refuse(bytes.toString('latin1'));
    client.socket.destroy();
  }
}

/** Everything up to the message that says what was subscribed to. */
function greet(client: Client, bytes: Buffer): void {
  current = client;
  const read = readFrames(bytes, {
    onFrame: (first, frame, start) => {
      if (first === TEXT && begins(frame, start, SUBSCRIBED)) client.state = 'subscribed';
      else listener.onFrame(first, frame, start);
    },
  });
  client.rest = read === bytes.length ? undefined : Buffer.from(bytes.subarray(read));
}

function joined({ rest }: Client, bytes: Buffer): Buffer {
  return rest === undefined ? bytes : Buffer.concat([rest, bytes]);
}

function take(client: Client, bytes: Buffer): void {
  current = client;
  const read = readFrames(bytes, listener);
  client.rest = read === bytes.length ? undefined : Buffer.from(bytes.subarray(read));
}

let current: Client;
const listener = {
  onFrame(first: number, frame: Buffer, start: number): void {
    const answer = answerTo(first);
    if (answer !== undefined) {
      pings += 1;
      current.socket.write(answer);
    } else if (first === COMPRESSED_TEXT || (first === TEXT && (plain || begins(frame, start, CHANGE)))) {
      deliver(current, first, frame, start);
    } else if (first === TEXT && begins(frame, start, HEARTBEAT)) heartbeats += 1;
    else fault(`an unexpected frame ${first}: ${frame.toString('utf8', start, start + 100)}`);
  },
};

function begins(frame: Buffer, start: number, text: Buffer): boolean {
  return frame.compare(text, 0, text.length, start, start + text.length) === 0;
}

function deliver(client: Client, first: number, frame: Buffer, start: number): void {
  const serial = client.check.take(client.place, first, frame, start);
  client.place += 1;
  deliveries += 1;
  lastAt = performance.now();
  if (typeof serial === 'string') {
    fault(serial);
    return;
  }
  firstUs[serial] ??= now;
  lastUs[serial] = now;
}

function expect(next: readonly SocketWrite[]): void {
  writes = next;
  for (const check of checks) check.expect(next);
  expected = 0;
  for (const client of clients) {
    client.place = 0;
    expected += client.check.expected;
  }
  [deliveries, pings, heartbeats] = [0, 0, 0];
  firstUs = [];
  lastUs = [];
  lastAt = performance.now();
}

/** Resolves when everything has come, and once more a while later, so that what should not come is seen too. */
async function wait(patienceMs: number): Promise<void> {
  const isOver = (): boolean => deliveries >= expected || performance.now() - lastAt >= patienceMs;
  while (!isOver()) await pause(20);
  await pause(200);
  for (const { place, check } of clients)
    if (place !== check.expected) fault('a socket with too few events or too many');
}

function report(): SocketReport {
  const since = (times: readonly number[]): number[] =>
    Object.entries(times)
      .map(([serial, at]) => (at - (writes[Number(serial)]?.after.sentUs ?? 0)) / 1000)
      .toSorted((a, b) => a - b);
  const told = lastUs.filter(() => true);
  const found = [...faults].map(([what, count]) => `${count} x ${what}`);
  faults.clear();
  return {
    open: clients.size,
    openSeconds,
    refused,
    deliveries,
    expected,
    seconds: told.length === 0 ? 0 : (Math.max(...told) - Math.min(...firstUs.filter(() => true))) / 1e6,
    firstMs: since(firstUs),
    lastMs: since(lastUs),
    pings,
    heartbeats,
    faults: found,
  };
}

function close(): void {
  const closing = [...clients];
  clients.clear();
  for (const { socket } of closing) socket.resetAndDestroy();
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}

async function obey(order: SocketOrder): Promise<void> {
  switch (order.type) {
    case 'open':
      return await open(order);
    case 'expect':
      return expect(order.writes);
    case 'wait':
      return await wait(order.patienceMs);
    case 'close':
      return close();
  }
}

process.on('message', (order: SocketOrder) => {
  obey(order).then(
    () => process.send?.({ report: report() } satisfies SocketAnswer),
    (error: unknown) => process.send?.({ failed: String(error) } satisfies SocketAnswer),
  );
});
process.on('disconnect', () => process.exit(0));
