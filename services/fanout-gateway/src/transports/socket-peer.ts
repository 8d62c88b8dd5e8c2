import type { Socket } from 'node:net';
import { errorCodeRow, formatTimestamp } from '@tidewire/contract';
import type { ErrorCode, Resync, StreamMessage } from '@tidewire/contract';
import type { WebSocket } from 'ws';
import { formatMessage } from '../formats/stream-message.ts';
import { socketFrame } from '../formats/web-socket.ts';
import type { Reader } from '../rights/access.ts';
import type { Peer } from './peer.ts';
import { untilDrained } from './socket-drain.ts';
import type { Stream, StreamSink } from './stream.ts';

/** A client that has not closed its side this long after the end is cut off. */
const LINGER_MS = 5000;
/** Unsent bytes beyond which nothing is put on top that is not an event: whoever reads so little has to come back. */
const MOST_QUEUED_BYTES = 1024 * 1024;
/** RFC 6455 7.4.1: for ends that have no code of their own. */
const GOING_AWAY = 1001;

/**
 * The write side of one WebSocket. Frames that many sockets share go to the connection itself; `ws` writes there too, but
 * whole frames only: pongs, and the one that closes.
 */
export class SocketPeer implements StreamSink, Peer {
  readonly #onEnd: (peer: SocketPeer) => void;
  #socket: WebSocket | undefined;
  #connection: Socket | undefined;
  #stream: Stream | undefined;

  /** `onEnd` is called once, when nothing can be written any more. */
  constructor(onEnd: (peer: SocketPeer) => void) {
    this.#onEnd = onEnd;
  }

  /** Everything before this is nothing. */
  begin(socket: WebSocket, connection: Socket, stream: Stream): void {
    this.#socket = socket;
    this.#connection = connection;
    this.#stream = stream;
  }

  get id(): string {
    return this.#stream?.id ?? '';
  }

  get reader(): Reader {
    return this.#stream?.reader ?? { principalId: null, credentialId: null };
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  write(bytes: Buffer): void {
    this.#connection?.write(bytes);
  }

  queuedBytes(): number {
    return this.#connection?.writableLength ?? 0;
  }

  async drained(): Promise<void> {
    if (this.#connection !== undefined) await untilDrained(this.#connection);
  }

  tell(message: StreamMessage): void {
    if (this.queuedBytes() > MOST_QUEUED_BYTES) this.reset();
    else this.write(socketFrame(formatMessage(message)));
  }

  resync(resync: Resync): void {
    this.tell({ type: 'resync', ...resync });
  }

  expiring(expiresAt: number): void {
    this.tell({ type: 'credential-expiring', expiresAt: formatTimestamp(expiresAt) });
  }

  held(on: boolean): void {
    this.tell({
      type: 'connection-status',
      status: on ? 'reconnecting' : 'connected',
      transport: 'websocket',
    });
  }

  reset(): void {
    const connection = this.#connection;
    this.ended();
    connection?.resetAndDestroy();
  }

  end(code: ErrorCode, _reason: string, lingerMs: number = LINGER_MS): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (lingerMs < LINGER_MS && this.queuedBytes() > 0) {
      this.reset();
      return;
    }
    this.#socket?.close(errorCodeRow(code).close ?? GOING_AWAY, code);
    this.ended();
    setTimeout(() => {
      if (!connection.destroyed) connection.resetAndDestroy();
    }, lingerMs).unref();
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#onEnd(this);
  }
}
