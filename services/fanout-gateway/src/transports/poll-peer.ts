import type { ServerResponse } from 'node:http';

/** Whoever waits for the answer to a poll. */
export interface PollPeer {
  /** Whether nobody waits any more. */
  readonly gone: boolean;
  /** Called once when nobody does. */
  onGone(listener: () => void): void;
  /** Bytes of the answer that have not left this process. */
  queuedBytes(): number;
  /** Drops what is left of the answer. */
  reset(): void;
}

/** Whoever waits for the answer to an HTTP request. */
export function createHttpPollPeer(response: ServerResponse): PollPeer {
  return {
    get gone() {
      return response.closed || response.socket === null || response.socket.destroyed;
    },
    onGone: (listener) => void response.once('close', listener),
    queuedBytes: () => response.writableLength,
    reset: () => response.socket?.resetAndDestroy(),
  };
}
