import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';

/**
 * How long to wait after so many failures in a row (0: the first), never as long as everybody else: the frozen waits, each
 * multiplied by a number between 0.5 and 1.5. `random` is in [0, 1). Milliseconds.
 */
export function backoff(failures: number, random: number): number {
  const { reconnectBackoffMs, maxReconnectDelayMs } = REALTIME_TRANSPORT_CONFIG;
  return Math.min(
    maxReconnectDelayMs,
    (reconnectBackoffMs[failures] ?? maxReconnectDelayMs) * (0.5 + random),
  );
}
