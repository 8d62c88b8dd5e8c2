import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_HEADERS, PROTOCOL_VERSION, errorCodeRow } from '@tidewire/contract';
import type { ErrorCode, Resync, StreamEnd, StreamMessage } from '@tidewire/contract';
import { takeSocket } from '@tidewire/service-kit';
import { chunk, sseMessage } from '../formats/sse.ts';
import type { SseWords } from '../formats/sse.ts';
import { untilDrained } from './socket-drain.ts';
import type { StreamSink } from './stream.ts';

export const SSE_MEDIA_TYPE = 'text/event-stream';

/** Close codes from here on say: do not come back with the same request. */
const FIRST_FINAL_CLOSE_CODE = 4500;
/** The end of a chunked answer (RFC 9112 7.1). */
const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');
/** A client that has not closed its side this long after the end is cut off. */
const LINGER_MS = 5000;

/**
 * The write side of one SSE answer. After the head it writes to the answer's socket itself: what is written are
 * buffers that many streams share, already framed as chunks, so that one event costs one write per stream.
 */
export class SseSink implements StreamSink {
  readonly #socket: Socket;
  readonly #words: SseWords;
  #open = true;

  private constructor(socket: Socket, words: SseWords) {
    this.#socket = socket;
    this.#words = words;
  }

  /** Undefined when the client has gone already. Nothing is sent before {@link SseSink.begin}. */
  static create(response: ServerResponse, words: SseWords): SseSink | undefined {
    const { socket } = response;
    return socket === null || socket.destroyed ? undefined : new SseSink(socket, words);
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Sends the head of the answer, then the first bytes of the stream.
   *
   * @param onClose called once when the connection is closed, by whichever side.
   */
  begin(response: ServerResponse, opening: SseOpening, onClose: () => void): void {
    response.writeHead(200, sseHeaders(opening));
    response.flushHeaders();
    this.#socket.setNoDelay(true);
    // A stream may last for days and needs nothing of its request.
    takeSocket(response, this.#socket);
    this.#socket.on('close', onClose);
    this.write(formatOpening(opening));
  }

  write(bytes: Buffer): void {
    if (this.#open) this.#socket.write(bytes);
  }

  /** What is written until {@link uncork} leaves in one go. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  queuedBytes(): number {
    return this.#socket.writableLength;
  }

  reset(): void {
    this.#open = false;
    this.#socket.resetAndDestroy();
  }

  async drained(): Promise<void> {
    await untilDrained(this.#socket);
  }

  resync(resync: Resync): void {
    this.write(chunk(this.#words.resync(resync)));
  }

  expiring(expiresAt: number): void {
    this.write(chunk(this.#words.expiring(expiresAt)));
  }

  held(on: boolean): void {
    const text = this.#words.held(on);
    if (text !== '') this.write(chunk(text));
  }

  /** Sends a message that has no place in the order of the log. */
  tell(message: StreamMessage): void {
    this.write(chunk(sseMessage(message)));
  }

  end(code: ErrorCode, reason: string, lingerMs: number = LINGER_MS): void {
    if (!this.#open) return;
    if (lingerMs < LINGER_MS && this.queuedBytes() > 0) {
      this.reset();
      return;
    }
    this.#open = false;
    const words = this.#words.end(streamEnd(code, reason));
    if (words !== '') this.#socket.write(chunk(words));
    this.#socket.end(LAST_CHUNK);
    const socket = this.#socket;
    if (socket.destroyed) return;
    setTimeout(() => {
      if (!socket.destroyed) socket.resetAndDestroy();
    }, lingerMs).unref();
  }
}

function sseHeaders({ connectionId, correlationId }: SseOpening): Record<string, string> {
  return {
    'content-type': SSE_MEDIA_TYPE,
    'cache-control': 'no-cache',
    // The socket ends with the stream.
    'connection': 'close',
    'transfer-encoding': 'chunked',
    // nginx and its kin would otherwise collect events until a buffer is full.
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    [HTTP_HEADERS.connection]: connectionId,
    [HTTP_HEADERS.protocol]: PROTOCOL_VERSION,
    [HTTP_HEADERS.correlationId]: correlationId,
  };
}

export interface SseOpening {
  readonly connectionId: string;
  readonly correlationId: string;
  /** What it is subscribed to, for people who read along. */
  readonly about: string;
  /** Text of the position from which events follow; undefined while that is still to be found out. */
  readonly position: string | undefined;
  readonly retryMs: number;
}

/** The first bytes of a stream: who it is, what it is subscribed to, from where, and when to come back. */
function formatOpening(opening: SseOpening): Buffer {
  const { connectionId, about, position, retryMs } = opening;
  const start = position === undefined ? '' : `: position ${position}\n`;
  const cursor = position === undefined ? '' : `id: ${position}\n`;
  return chunk(`: connection ${connectionId}\n: ${about}\n${start}retry: ${retryMs}\n${cursor}\n`);
}

/** What a client is told when the server ends its stream. Whether coming back can help is the code's own advice. */
export function streamEnd(code: ErrorCode, reason: string): StreamEnd {
  const { close } = errorCodeRow(code);
  return { code, reason, reconnect: close === undefined || close < FIRST_FINAL_CLOSE_CODE };
}

const SHORTEST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 8000;

/** When a client should come back, spread so that those who were sent away together do not return together. */
export function retryDelay(random: () => number): number {
  return Math.round(SHORTEST_RETRY_MS + random() * (LONGEST_RETRY_MS - SHORTEST_RETRY_MS));
}
