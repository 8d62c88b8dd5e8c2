import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Sink } from '../delivery/connection.ts';
import { untilDrained } from './socket-drain.ts';

/** A client that has not closed its side this long after the end is cut off. */
const LINGER_MS = 5000;
/** Unsent bytes beyond which nothing is put on top that is not an event: whoever reads so little has to come back. */
const MOST_QUEUED_BYTES = 1024 * 1024;

/**
 * The write side of one WebSocket. Frames that many sockets share go to the connection itself; `ws` writes there too, but
 * whole frames only: pongs, and the one that closes.
 */
export abstract class SocketSink implements Sink {
  #socket: WebSocket | undefined;
  #connection: Socket | undefined;

  /** Nothing can be written any more, whoever ended it. Called once. */
  protected abstract onEnd(): void;

  /** Everything before this is nothing. */
  protected take(socket: WebSocket, connection: Socket): void {
    this.#socket = socket;
    this.#connection = connection;
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  write(bytes: Buffer): void {
    this.#connection?.write(bytes);
  }

  /** What is written until {@link uncork} leaves in one go. */
  cork(): void {
    this.#connection?.cork();
  }

  uncork(): void {
    this.#connection?.uncork();
  }

  /** Writes what is no event: a client that does not take it is cut off. */
  protected writeBeside(frame: Buffer): void {
    if (this.queuedBytes() > MOST_QUEUED_BYTES) this.reset();
    else this.write(frame);
  }

  queuedBytes(): number {
    return this.#connection?.writableLength ?? 0;
  }

  async drained(): Promise<void> {
    if (this.#connection !== undefined) await untilDrained(this.#connection);
  }

  reset(): void {
    const connection = this.#connection;
    this.ended();
    connection?.resetAndDestroy();
  }

  /**
   * Closes with a code (RFC 6455 7.4) and its reason. With `lingerMs` the connection is cut that long afterwards, at once
   * when something is queued already.
   */
  close(code: number, reason: string, lingerMs: number = LINGER_MS): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (lingerMs < LINGER_MS && this.queuedBytes() > 0) {
      this.reset();
      return;
    }
    this.#socket?.close(code, reason);
    this.ended();
    setTimeout(() => {
      if (!connection.destroyed) connection.resetAndDestroy();
    }, lingerMs).unref();
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.onEnd();
  }
}
