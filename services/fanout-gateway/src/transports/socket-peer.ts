import type { Socket } from 'node:net';
import { errorCodeRow, formatTimestamp } from '@tidewire/contract';
import type { ErrorCode, Resync, StreamMessage } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import type { WebSocket } from 'ws';
import { formatMessage } from '../formats/stream-message.ts';
import { socketFrame } from '../formats/web-socket.ts';
import type { Peer } from './peer.ts';
import { SocketSink } from './socket-sink.ts';
import type { Stream, StreamSink } from './stream.ts';

/** RFC 6455 7.4.1: for ends that have no code of their own. */
const GOING_AWAY = 1001;

/** The write side of one WebSocket of tables and topics. */
export class SocketPeer extends SocketSink implements StreamSink, Peer {
  readonly #onEnd: (peer: SocketPeer) => void;
  #stream: Stream | undefined;

  /** `onEnd` is called once, when nothing can be written any more. */
  constructor(onEnd: (peer: SocketPeer) => void) {
    super();
    this.#onEnd = onEnd;
  }

  /** Everything before this is nothing. */
  begin(socket: WebSocket, connection: Socket, stream: Stream): void {
    this.take(socket, connection);
    this.#stream = stream;
  }

  get id(): string {
    return this.#stream?.id ?? '';
  }

  get reader(): Reader {
    return this.#stream?.reader ?? { principalId: null, credentialId: null };
  }

  tell(message: StreamMessage): void {
    this.writeBeside(socketFrame(formatMessage(message)));
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

  end(code: ErrorCode, _reason: string, lingerMs?: number): void {
    this.close(errorCodeRow(code).close ?? GOING_AWAY, code, lingerMs);
  }

  protected onEnd(): void {
    this.#onEnd(this);
  }
}
