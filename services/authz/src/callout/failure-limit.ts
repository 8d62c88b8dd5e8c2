import type { Clock } from '@tidewire/service-kit';
import { networkOf } from '../client-network.ts';

/** Bounds how often one address may fail, in memory: whoever has failed too often costs no query. */
export interface FailureLimit {
  /** Whether this address has failed too often to be heard. */
  isExceeded(address: string): boolean;
  note(address: string): void;
}

const MINUTE_MS = 60_000;
/** Networks that are remembered. Of more, those that failed longest ago are forgotten. */
const MOST_NETWORKS = 10_000;

/** Creates a {@link FailureLimit}. A minute's worth of failures is there at most and comes back with time. */
export function createFailureLimit(clock: Pick<Clock, 'monotonic'>, perMinute: number): FailureLimit {
  const costMs = MINUTE_MS / perMinute;
  /** When everything would be there again; in the order of the last failures. */
  const freeAt = new Map<string, number>();
  return {
    isExceeded: (address) => {
      const free = freeAt.get(networkOf(address));
      return free !== undefined && free + costMs > clock.monotonic() + MINUTE_MS;
    },
    note: (address) => {
      const network = networkOf(address);
      const nowMs = clock.monotonic();
      const free = Math.max(freeAt.get(network) ?? nowMs, nowMs);
      freeAt.delete(network);
      freeAt.set(network, Math.min(free + costMs, nowMs + MINUTE_MS));
      if (freeAt.size <= MOST_NETWORKS) return;
      for (const oldest of freeAt.keys()) {
        freeAt.delete(oldest);
        return;
      }
    },
  };
}
