import { graphqlReservationSchema } from '@tidewire/contract';
import type { GraphqlReservation } from '@tidewire/contract';
import { openExpiringBucket } from './expiring-bucket.ts';
import type { MessageBus } from './message-bus.ts';

export interface ReservationStoreOptions {
  /** `GRAPHQL_STREAMS_BUCKET`. */
  readonly bucket: string;
  readonly replicas?: number;
}

/** A reservation, and which of its versions. */
export interface StoredReservation {
  readonly reservation: GraphqlReservation;
  readonly revision: number;
}

/**
 * Streams that clients have reserved or opened, by their token, as all gateways see them. A token is one of a key:
 * letters, digits, `_` and `-`.
 *
 * Everything here throws BusUnavailableError when NATS is away, and StreamRefusedError when the bucket is full or is not
 * there (`ensure`).
 */
export interface ReservationStore {
  /** Makes the bucket if it is not there: at the start, and after NATS may have lost it. */
  ensure(): Promise<void>;
  /** Writes one, which vanishes after the time. */
  put(token: string, reservation: GraphqlReservation, ttlMs: number): Promise<void>;
  /** The same in place of a version; false, and nothing is written, when that is not the newest any more. */
  replace(token: string, next: StoredReservation, ttlMs: number): Promise<boolean>;
  remove(token: string): Promise<void>;
  /** A reservation; undefined when it is not there or is not one. */
  read(token: string): Promise<StoredReservation | undefined>;
}

/** Opens the store; its bucket is made by `ensure`. */
export function openReservationStore(bus: MessageBus, options: ReservationStoreOptions): ReservationStore {
  const bucket = openExpiringBucket(bus, options.bucket, { replicas: options.replicas ?? 1 });
  return {
    ensure: () => bucket.ensure(),
    put: (token, reservation, ttlMs) => bucket.put(token, JSON.stringify(reservation), ttlMs),
    replace: async (token, { reservation, revision }, ttlMs) => {
      const next = { value: JSON.stringify(reservation), revision };
      return (await bucket.replace(token, next, ttlMs)) !== undefined;
    },
    remove: async (token) => {
      await bucket.remove(token);
    },
    read: async (token) => {
      const stored = await bucket.read(token);
      const reservation = stored && parseReservation(stored.value);
      return reservation && { reservation, revision: stored.revision };
    },
  };
}

function parseReservation(text: string): GraphqlReservation | undefined {
  try {
    return graphqlReservationSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
