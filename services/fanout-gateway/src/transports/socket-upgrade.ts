import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_HEADERS, PROTOCOL_VERSION, SOCKET_LIMITS, TidewireError } from '@tidewire/contract';
import { takeUpgrade } from '@tidewire/service-kit';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import { pongFrame } from '../formats/web-socket.ts';

/** A client that does not answer a closing frame is cut off after this. */
const CLOSE_TIMEOUT_MS = 5000;
/** `closeTimeout` is missing in the library's types. */
const SERVER_OPTIONS: ServerOptions & { readonly closeTimeout: number } = {
  // Pings count as messages do, and are answered within that.
  autoPong: false,
  noServer: true,
  clientTracking: false,
  maxPayload: SOCKET_LIMITS.maxMessageBytes,
  closeTimeout: CLOSE_TIMEOUT_MS,
};
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';

/** A request for a WebSocket. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly correlationId: string;
}

/** Makes WebSockets of requests, all of one sub-protocol. */
export class SocketUpgrades {
  readonly #headers = new WeakMap<IncomingMessage, readonly string[]>();
  readonly #server: WebSocketServer;

  constructor(options: Pick<ServerOptions, 'perMessageDeflate'> & { readonly protocol: string }) {
    const { protocol, perMessageDeflate } = options;
    this.#server = new WebSocketServer({
      ...SERVER_OPTIONS,
      perMessageDeflate,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    this.#server.on('headers', (headers, request) => headers.push(...(this.#headers.get(request) ?? [])));
  }

  /**
   * Upgrades the connection, and calls `begin` before it returns; not when the client has gone, or was answered by the
   * library. `connectionId`: undefined where it is not known yet.
   */
  upgrade(
    { request, response, correlationId }: UpgradeRequest,
    connectionId: string | undefined,
    begin: (socket: WebSocket, connection: Socket) => void,
  ): void {
    const taken = takeUpgrade(response);
    if (taken === undefined) return;
    this.#headers.set(request, [
      ...(connectionId === undefined ? [] : [`${HTTP_HEADERS.connection}: ${connectionId}`]),
      `${HTTP_HEADERS.protocol}: ${PROTOCOL_VERSION}`,
      `${HTTP_HEADERS.correlationId}: ${correlationId}`,
    ]);
    this.#server.handleUpgrade(request, taken.socket, taken.head, (socket) => {
      taken.socket.setNoDelay(true);
      begin(socket, taken.socket);
    });
  }
}

/** Who hears what comes on a socket. */
export interface SocketListener {
  /** Takes a message, as text. */
  receive(text: string): void;
  /** Takes note that the client is there. `cost`: how many messages that counts as. False when they are too many. */
  heard(cost: 0 | 1): boolean;
}

/** Lets a session hear what comes on its socket from here on. */
export function listenTo(
  socket: WebSocket,
  session: SocketListener,
  peer: { write(bytes: Buffer): void; ended(): void },
): void {
  // One buffer, as the library gives messages unless it is told otherwise.
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    session.receive(isBinary ? '' : data.toString());
  });
  socket.on('ping', (payload) => {
    if (session.heard(1)) peer.write(pongFrame(payload));
  });
  socket.on('pong', () => void session.heard(0));
  // What breaks the protocol, or the connection, is closed by the library.
  socket.on('error', () => undefined);
  socket.on('close', () => peer.ended());
}

/** @throws TidewireError BAD_REQUEST, in our own words: the library would answer with its own. */
export function requireHandshake({ headers }: IncomingMessage): void {
  const version = headers['sec-websocket-version'];
  if (version !== VERSION) {
    throw new TidewireError('BAD_REQUEST', `Sec-WebSocket-Version has to be ${VERSION}`);
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    throw new TidewireError('BAD_REQUEST', 'Sec-WebSocket-Key has to be 16 bytes in base64');
  }
}
