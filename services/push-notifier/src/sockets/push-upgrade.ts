import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_HEADERS, PUSH_LIMITS, TidewireError } from '@tidewire/contract';
import { takeUpgrade } from '@tidewire/service-kit';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';

/** A client that does not answer a closing frame is cut off after this. */
const CLOSE_TIMEOUT_MS = 5000;
/** `closeTimeout` is missing in the library's types. */
const SERVER_OPTIONS: ServerOptions & { readonly closeTimeout: number } = {
  // Pings count as messages do, and are answered within that.
  autoPong: false,
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: PUSH_LIMITS.frameBytes,
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

/** Makes WebSockets of requests. */
export class PushUpgrade {
  readonly #server = new WebSocketServer(SERVER_OPTIONS);
  readonly #headers = new WeakMap<IncomingMessage, string>();

  constructor() {
    this.#server.on('headers', (headers, request) => {
      const own = this.#headers.get(request);
      if (own !== undefined) headers.push(own);
    });
  }

  /**
   * Upgrades the connection, and calls `begin` before it returns; not when the client has gone, or was answered by the
   * library. Check the request with {@link requireHandshake} first.
   */
  upgrade(
    { request, response, correlationId }: UpgradeRequest,
    begin: (socket: WebSocket, connection: Socket) => void,
  ): void {
    const taken = takeUpgrade(response);
    if (taken === undefined) return;
    this.#headers.set(request, `${HTTP_HEADERS.correlationId}: ${correlationId}`);
    this.#server.handleUpgrade(request, taken.socket, taken.head, (socket) => {
      taken.socket.setNoDelay(true);
      begin(socket, taken.socket);
    });
  }
}

/** @throws TidewireError BAD_REQUEST, in our own words: the library would answer with its own. */
export function requireHandshake({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const version = headers['sec-websocket-version'];
  if (version !== VERSION) {
    throw new TidewireError('BAD_REQUEST', `Sec-WebSocket-Version has to be ${VERSION}`);
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    throw new TidewireError('BAD_REQUEST', 'Sec-WebSocket-Key has to be 16 bytes in base64');
  }
}
