import type { Socket } from 'node:net';
import type { ErrorCode, GraphqlErrorEntry, GraphqlResult, Resync } from '@tidewire/contract';
import { MessageType, stringifyMessage } from 'graphql-ws';
import type { ErrorMessage, Message } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { socketFrame, socketFrameStart } from '../formats/web-socket.ts';
import { SocketSink } from '../transports/socket-sink.ts';
import type { StreamSink } from '../transports/stream.ts';
import { graphqlCloseCode, isFinalEnd } from './close-code.ts';
import type { ResultLine } from './operation-line.ts';
import type { OperationPeer } from './operation-peer.ts';
import type { Operations } from './operations.ts';

/** Ends a message whose last member is the payload. */
const TAIL = Buffer.from('}');

/** The write side of one WebSocket of GraphQL, which its operations share. */
export class GraphqlSocketPeer extends SocketSink implements StreamSink, OperationPeer {
  /** Undefined until the client has said who it is. */
  operations: Operations | undefined;
  readonly #onEnd: (peer: GraphqlSocketPeer) => void;
  /** Pings that were not answered. */
  #pings = 0;

  /** `onEnd` is called once, when nothing can be written any more. */
  constructor(onEnd: (peer: GraphqlSocketPeer) => void) {
    super();
    this.#onEnd = onEnd;
  }

  /** Everything before this is nothing. */
  begin(socket: WebSocket, connection: Socket): void {
    this.take(socket, connection);
  }

  result(name: string, { start, rest }: ResultLine): void {
    const head = `{"id":${name},"type":"${MessageType.Next}","payload":${start}`;
    this.write(socketFrameStart(head, rest.length + TAIL.length));
    this.write(rest);
    this.write(TAIL);
  }

  position(id: string, eventId: string): void {
    this.#pings += 1;
    this.tell({ type: MessageType.Ping, payload: { id, eventId } });
  }

  /** Takes note of a pong; false when nothing had been asked. */
  answered(): boolean {
    if (this.#pings === 0) return false;
    this.#pings -= 1;
    return true;
  }

  next(id: string, payload: GraphqlResult): void {
    this.tell({ id, type: MessageType.Next, payload: payload as object });
  }

  refuse(id: string, errors: readonly GraphqlErrorEntry[]): void {
    this.tell({ id, type: MessageType.Error, payload: errors as ErrorMessage['payload'] });
  }

  tell(message: Message): void {
    this.writeBeside(socketFrame(stringifyMessage(message)));
  }

  /** Said to each operation, which has a cursor of its own. */
  resync(_resync: Resync): void {}

  expiring(expiresAt: number): void {
    this.operations?.expiring(expiresAt);
  }

  /** The protocol has no words for it. */
  held(): void {}

  end(code: ErrorCode, reason: string, lingerMs?: number): void {
    if (lingerMs !== undefined && this.queuedBytes() > 0) {
      this.reset();
      return;
    }
    if (isFinalEnd(code)) this.operations?.end(code, reason);
    this.close(graphqlCloseCode(code), code, lingerMs);
  }

  protected onEnd(): void {
    this.#onEnd(this);
  }
}
