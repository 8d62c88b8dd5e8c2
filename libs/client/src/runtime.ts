/** What the client needs of the machine that it runs on. Everything can be replaced, in tests and where a platform lacks it. */

/** Time. Milliseconds throughout. */
export interface Clock {
  /** Since 1970. May jump, as after sleep. */
  now(): number;
  /** Runs once, no earlier than `delayMs` from now. The answer cancels it, and does nothing afterwards. */
  setTimeout(run: () => void, delayMs: number): () => void;
}

/** The part of `WebSocket` (WHATWG) that is used. */
export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols?: string | string[]) => SocketLike;

/** What happens to the page around us. Where there is no page it is always visible and online. */
export type PageChange = 'online' | 'offline' | 'visible' | 'hidden' | 'woke' | 'frozen';

export interface PageLife {
  readonly online: boolean;
  readonly visible: boolean;
  /**
   * - `woke`: time may have passed without any of our code having run (sleep, a frozen tab).
   * - `frozen`: none of our code will run until `woke` (`freeze`, or `pagehide` into the back/forward cache).
   *
   * The answer stops it.
   */
  watch(listener: (change: PageChange) => void): () => void;
}

export interface Runtime {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  /** Absent: there are no WebSockets here, and the ladder of transports begins one lower. */
  readonly WebSocket: SocketConstructor | undefined;
  readonly page: PageLife;
}
