import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server of bytes, for answers that no HTTP server gives. */
export interface TargetServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** What was received, over all connections. */
  readonly received: string;
  /** Connections that are open. */
  readonly open: number;
  /** Connections there ever were. */
  readonly count: number;
  /** Resolves when the next request's head has come. */
  requested(): Promise<Socket>;
}

/** Listens on this machine and runs `answer` for each connection once the head of its request has come. */
export async function startTargetServer(
  answer: (socket: Socket) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<TargetServer> {
  const sockets = new Set<Socket>();
  const waiting: ((socket: Socket) => void)[] = [];
  const asked: Socket[] = [];
  let received = '';
  let count = 0;
  const server: Server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let head = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const before = head.includes('\r\n\r\n');
      head += chunk.toString('latin1');
      if (before || !head.includes('\r\n\r\n')) return;
      const next = waiting.shift();
      if (next === undefined) asked.push(socket);
      else next(socket);
      answer(socket);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://${host}:${bound}/hook?a=b`,
    get received() {
      return received;
    },
    get open() {
      return sockets.size;
    },
    get count() {
      return count;
    },
    requested() {
      const known = asked.shift();
      if (known !== undefined) return Promise.resolve(known);
      const { promise, resolve } = Promise.withResolvers<Socket>();
      waiting.push(resolve);
      return promise;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
