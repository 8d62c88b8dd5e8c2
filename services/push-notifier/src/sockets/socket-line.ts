import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** The write side of one WebSocket, and what its connection tells of how much goes through. */
export class SocketLine {
  readonly #socket: WebSocket;
  readonly #connection: Socket;

  constructor(socket: WebSocket, connection: Socket) {
    this.#socket = socket;
    this.#connection = connection;
  }

  /** Sends a text frame. Nothing happens once the socket is being closed. */
  send(text: string): void {
    this.#socket.send(text);
  }

  ping(payload: Buffer): void {
    this.#socket.ping(payload);
  }

  pong(payload: Buffer): void {
    this.#socket.pong(payload);
  }

  /** Bytes that were sent here and that the operating system has not taken. */
  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Bytes that it has taken since the connection began, as far as it has told: a write counts when all of it went. */
  get takenBytes(): number {
    return this.#connection.bytesWritten - this.#connection.writableLength;
  }

  /** Bytes that came since the connection began. */
  get readBytes(): number {
    return this.#connection.bytesRead;
  }

  /** Closes behind what was sent; without a code, as ends that need no explanation. */
  close(code?: number): void {
    this.#socket.close(code);
  }

  /** Ends the connection with what was not taken yet. */
  cut(): void {
    this.#connection.resetAndDestroy();
  }
}
