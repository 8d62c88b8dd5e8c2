import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';
import { PING_FRAME } from '../formats/web-socket.ts';

/** Messages, pings included, that a client may send at once, and per second in the long run. */
const BURST = 200;
const PER_SECOND = 50;
/** Bytes between two looks at the connection: a client may not keep this process busy with what never becomes a message. */
const MOST_BYTES_PER_LOOK = 4 * 1024 * 1024;

const { heartbeatIntervalMs, presenceStaleTimeoutMs, idleConnectionTimeoutMs } = REALTIME_TRANSPORT_CONFIG;

export interface SocketWatchParts {
  readonly peer: { write(bytes: Buffer): void; reset(): void };
  /** Bytes that the client has sent so far. */
  readonly bytesRead: () => number;
  /** Monotonic milliseconds at which it is pinged first. */
  readonly pingAt: number;
}

/** Whether anybody is at the other end of one socket, for anything, and not too loud. Times are monotonic milliseconds. */
export class SocketWatch {
  readonly #parts: SocketWatchParts;
  #bytesRead = 0;
  /** Messages that may come now, as of `#refilledAt`. */
  #allowance = BURST;
  #refilledAt: number;
  #heardAt: number;
  #pingAt: number;
  #busyAt: number;

  constructor(parts: SocketWatchParts, now: number) {
    this.#parts = parts;
    this.#refilledAt = now;
    this.#heardAt = now;
    this.#busyAt = now;
    this.#pingAt = parts.pingAt;
  }

  /** Takes note that the client is there. `cost`: how many messages that counts as. False when they are too many. */
  heard(now: number, cost: 0 | 1): boolean {
    this.#heardAt = now;
    this.#allowance =
      Math.min(BURST, this.#allowance + ((now - this.#refilledAt) / 1000) * PER_SECOND) - cost;
    this.#refilledAt = now;
    return this.#allowance >= 0;
  }

  /** Looks after the connection, about once a second: says why it should end, if it should. */
  look(now: number, inUse: boolean): 'RATE_LIMITED' | 'CONNECTION_IDLE' | undefined {
    const { peer, bytesRead } = this.#parts;
    if (now - this.#heardAt >= presenceStaleTimeoutMs) {
      // Nobody is there any more who could be told why.
      peer.reset();
      return undefined;
    }
    const read = bytesRead();
    if (read - this.#bytesRead > MOST_BYTES_PER_LOOK) return 'RATE_LIMITED';
    this.#bytesRead = read;
    if (inUse) this.#busyAt = now;
    else if (now - this.#busyAt >= idleConnectionTimeoutMs) return 'CONNECTION_IDLE';
    if (now >= this.#pingAt) {
      this.#pingAt = now + heartbeatIntervalMs;
      peer.write(PING_FRAME);
    }
    return undefined;
  }
}
