import { createHash } from 'node:crypto';
import { PUSH_LIMITS, storedPreAuthorisationSchema } from '@tidewire/contract';
import type { StoredPreAuthorisation } from '@tidewire/contract';
import { STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { openExpiringBucket } from './expiring-bucket.ts';
import type { ExpiringBucket, StoredValue } from './expiring-bucket.ts';
import type { MessageBus } from './message-bus.ts';

export interface PreAuthStoreOptions {
  /** `PRE_AUTH_BUCKET`. */
  readonly bucket: string;
  readonly replicas?: number;
}

/**
 * Tokens that stand for somebody once, as all notifiers see them. No token is in a subject or in the store: their hashes are,
 * because what is looked up here may be somebody's password.
 *
 * Everything here throws BusUnavailableError when NATS is away, and StreamRefusedError when the bucket is full or is not
 * there (`ensure`).
 */
export interface PreAuthStore {
  /** Makes the bucket if it is not there: at the start, and after NATS may have lost it. */
  ensure(): Promise<void>;
  /** Keeps a token for the time that one may be redeemed, and a moment. */
  put(token: string, preAuthorisation: StoredPreAuthorisation): Promise<void>;
  /**
   * Takes a token away and says whom it stands for; undefined when it is not there, was taken, or stands for nobody. Of
   * several that take one at once exactly one gets it. One that throws may have taken it: then nobody gets it.
   */
  take(token: string): Promise<StoredPreAuthorisation | undefined>;
}

/** Opens the store; its bucket is made by `ensure`. */
export function openPreAuthStore(bus: MessageBus, options: PreAuthStoreOptions): PreAuthStore {
  const bucket = openExpiringBucket(bus, options.bucket, { replicas: options.replicas ?? 1 });
  return {
    ensure: () => bucket.ensure(),
    put: async (token, preAuthorisation) => {
      await bucket.put(keyOf(token), JSON.stringify(preAuthorisation), PUSH_LIMITS.authenticationMs);
    },
    take: async (token) => {
      const key = keyOf(token);
      const stored = await readIfThere(bucket, key);
      if (stored === undefined || !(await bucket.remove(key, stored.revision))) return undefined;
      return parsePreAuthorisation(stored.value);
    },
  };
}

/** No token is in a bucket that nobody has made yet. */
async function readIfThere(bucket: ExpiringBucket, key: string): Promise<StoredValue | undefined> {
  try {
    return await bucket.read(key);
  } catch (error) {
    if (error instanceof StreamRefusedError && error.code === STREAM_ERROR.streamNotFound) return undefined;
    throw error;
  }
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function parsePreAuthorisation(text: string): StoredPreAuthorisation | undefined {
  try {
    return storedPreAuthorisationSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
