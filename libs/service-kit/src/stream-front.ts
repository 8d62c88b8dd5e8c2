import { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Says of a request by its method and target whether its answer is a stream that lasts. */
export type IsStream = (method: string | undefined, target: string | undefined) => boolean;

/** Sockets that Node's HTTP server does not know any more, by server: whoever stops it has to end them. */
const released = new WeakMap<Server, Set<Socket>>();
const releasedSockets = new WeakSet<Socket>();

/** Bytes that came right behind the head of an upgrade. */
const earlyBytes = new WeakMap<Socket, Buffer>();

/** Whether a request asks for a WebSocket (RFC 6455 4.1). */
export function isWebSocketUpgrade({
  method,
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    (headers.connection ?? '')
      .toLowerCase()
      .split(/[\s,]+/)
      .includes('upgrade')
  );
}

/**
 * A class of requests whose streams leave the HTTP parser. A parser takes 10 KiB for as long as its connection lasts,
 * several times the rest of an idle stream. Node gives one up for requests that upgrade to another protocol, when its
 * head was read and checked: to the server, the first request of a connection for a stream is one of those. A later
 * one keeps its parser, because answers to earlier requests may still be on their way, unless it asks for a WebSocket.
 */
export function createStreamRequest(isStream: IsStream): typeof IncomingMessage {
  const seen = new WeakSet<Socket>();
  return class StreamRequest extends IncomingMessage {
    readonly #isFirst: boolean;

    constructor(socket: Socket) {
      super(socket);
      this.#isFirst = !seen.has(socket);
      seen.add(socket);
    }

    /** Asked after the head was read; without a host it is refused as any is. */
    get upgrade(): boolean {
      const leaves = this.#isFirst || isWebSocketUpgrade(this);
      return leaves && isStream(this.method, this.url) && this.headers.host !== undefined;
    }

    // Node writes what the head said; the answer above does not depend on it.
    set upgrade(_said: boolean | null) {}
  };
}

/** Answers requests that left their parser through the same handler as all others; their connection ends with them. */
export function serveStreams(
  server: Server,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const sockets = new Set<Socket>();
  released.set(server, sockets);
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    releasedSockets.add(socket);
    socket.on('close', forget);
    socket.on('error', ignore);
    // A client that ends its side has gone.
    socket.allowHalfOpen = false;
    // What a WebSocket sends belongs to whoever takes it; whatever else comes is read and dropped.
    if (isWebSocketUpgrade(request)) earlyBytes.set(socket, head);
    else socket.resume();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => {
      // Closing on bytes that were not read would reset the connection, and with it the answer.
      socket.resume();
      socket.destroySoon();
    });
    handle(request, response);
  });
}

/** A connection that breaks is closed, which is all that there is to know. */
function ignore(): void {}

/**
 * Takes the connection from an answer whose head was sent, to write the rest to it directly and to end it. Request and
 * answer are not needed after this, and nothing holds them where the connection has left its parser.
 */
export function takeSocket(response: ServerResponse, socket: Socket): void {
  response.removeAllListeners();
  response.req.headers = {};
  response.req.rawHeaders = [];
  socket.setTimeout(0);
  if (releasedSockets.has(socket)) response.detachSocket(socket);
}

/**
 * Takes the connection of a WebSocket upgrade from its answer, of which nothing was sent, with the bytes that came already.
 * Undefined when it has gone, or when the request did not leave its parser.
 */
export function takeUpgrade(response: ServerResponse): { socket: Socket; head: Buffer } | undefined {
  const { socket } = response;
  const head = socket === null ? undefined : earlyBytes.get(socket);
  if (socket === null || head === undefined || socket.destroyed) return undefined;
  earlyBytes.delete(socket);
  response.removeAllListeners();
  response.detachSocket(socket);
  socket.setTimeout(0);
  return { socket, head };
}

/** Cuts the connections that {@link serveStreams} serves. */
export function cutStreams(server: Server): void {
  for (const socket of released.get(server) ?? []) socket.destroy();
}
