import { setTimeout as pause } from 'node:timers/promises';
import { connectBus } from './message-bus.ts';
import type { BusOptions, MessageBus } from './message-bus.ts';

/** A connection that its process does without while there is none. */
export interface BackgroundBus {
  /** Undefined before the first connection. */
  readonly bus: MessageBus | undefined;
  readonly connected: boolean;
  /** Gives up, or closes what was connected. */
  close(): Promise<void>;
}

export interface BackgroundBusOptions extends BusOptions {
  /** Told once, of the first connection; afterwards it reconnects by itself. Must not throw. */
  readonly onConnected: (bus: MessageBus) => void;
}

/** Between attempts to connect for the first time, milliseconds. */
const AGAIN_MS = 1000;

/** Connects when there is a server, however long that takes. Returns at once. */
export function connectInBackground(options: BackgroundBusOptions): BackgroundBus {
  const { logger, onConnected } = options;
  const stop = new AbortController();
  let bus: MessageBus | undefined;
  const connect = async (): Promise<void> => {
    for (let attempt = 0; !stop.signal.aborted; attempt += 1) {
      try {
        const connected = await connectBus({ connectTimeoutMs: AGAIN_MS, ...options });
        // It was closed meanwhile.
        if (stop.signal.aborted) return await connected.close();
        bus = connected;
        return onConnected(connected);
      } catch (error) {
        // Once: it may take days until somebody makes the user.
        if (attempt === 0) logger.warn('not connected to NATS yet', { error });
        await pause(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  };
  void connect();
  return {
    get bus() {
      return bus;
    },
    get connected() {
      return bus?.connected ?? false;
    },
    close: async () => {
      stop.abort();
      await bus?.close();
    },
  };
}
