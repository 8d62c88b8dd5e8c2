import { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Says of a request by its method and target whether its answer is a stream that lasts. */
export type IsStream = (method: string | undefined, target: string | undefined) => boolean;

/** Sockets that Node's HTTP server does not know any more, by server: whoever stops it has to end them. */
const released = new WeakMap<Server, Set<Socket>>();
const releasedSockets = new WeakSet<Socket>();

/**
 * A class of requests whose streams leave the HTTP parser. A parser takes 10 KiB for as long as its connection lasts,
 * several times the rest of an idle stream. Node gives one up for requests that upgrade to another protocol, when its
 * head was read and checked: to the server, the first request of a connection for a stream is one of those. A later
 * one keeps its parser, because answers to earlier requests may still be on their way.
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

    /** Asked after the head was read. `Upgrade` headers mean nothing here; without a host it is refused as any is. */
    get upgrade(): boolean {
      return this.#isFirst && isStream(this.method, this.url) && this.headers.host !== undefined;
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
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    sockets.add(socket);
    releasedSockets.add(socket);
    socket.on('close', forget);
    socket.on('error', ignore);
    // A client that ends its side has gone. Whatever else it sends is read and dropped.
    socket.allowHalfOpen = false;
    socket.resume();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
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

/** Cuts the connections that {@link serveStreams} serves. */
export function cutStreams(server: Server): void {
  for (const socket of released.get(server) ?? []) socket.destroy();
}
