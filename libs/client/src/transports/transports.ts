import type { Runtime } from '../runtime.ts';
import { LazyTransport } from './lazy-transport.ts';
import { SILENCE_MS, TRANSPORT_NAMES } from './transport.ts';
import type { Transport, TransportFactory, TransportName } from './transport.ts';
import { createWebSocketTransport } from './web-socket.ts';

const FACTORIES: Readonly<Record<TransportName, TransportFactory>> = Object.freeze({
  websocket: createWebSocketTransport,
  sse: (runtime: Runtime) =>
    new LazyTransport('sse', SILENCE_MS.sse, async () =>
      (await import('./event-stream.ts')).createEventStreamTransport(runtime),
    ),
  poll: (runtime: Runtime) =>
    new LazyTransport('poll', SILENCE_MS.poll, async () =>
      (await import('./long-poll.ts')).createLongPollTransport(runtime),
    ),
});

/**
 * The ladder: what is named, best first, each once, without what this runtime cannot do; all of them when nothing is named.
 */
export function createTransports(
  runtime: Runtime,
  names: readonly TransportName[] = TRANSPORT_NAMES,
): readonly Transport[] {
  return [...new Set(names)].flatMap((name) => FACTORIES[name](runtime) ?? []);
}
