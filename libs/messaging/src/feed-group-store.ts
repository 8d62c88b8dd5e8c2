import { FEED_GROUP_MEMORY_MS, feedGroupSchema, formatSubscriber, isSlug } from '@tidewire/contract';
import type { FeedGroup, SubscriberAddress } from '@tidewire/contract';
import { openExpiringBucket } from './expiring-bucket.ts';
import type { MessageBus } from './message-bus.ts';

export interface FeedGroupStoreOptions {
  /** `FEED_GROUPS_BUCKET`. */
  readonly bucket: string;
  readonly replicas?: number;
}

/** Whose group, and how it is called. */
export interface FeedGroupName {
  readonly address: SubscriberAddress;
  /** A slug. */
  readonly group: string;
}

/** A group as it is stored, and which of its versions; 0: there is none yet. */
export interface StoredFeedGroup {
  readonly state: FeedGroup;
  readonly revision: number;
}

/**
 * Where the groups of workers stand, as all gateways see them; kept on disk, and forgotten a week after the last write.
 *
 * Everything here throws BusUnavailableError when NATS is away, and StreamRefusedError when the bucket is full or is not
 * there (`ensure`).
 */
export interface FeedGroupStore {
  /** Makes the bucket if it is not there. */
  ensure(): Promise<void>;
  /** A group; undefined when there is none. */
  read(name: FeedGroupName): Promise<StoredFeedGroup | undefined>;
  /** Writes a group in place of a version, or as the first one of it: the new version, undefined when another was newer. */
  write(name: FeedGroupName, next: StoredFeedGroup): Promise<number | undefined>;
  /** How many groups a subscriber has. */
  count(address: SubscriberAddress): Promise<number>;
}

/** Opens the store; its bucket is made by `ensure`. */
export function openFeedGroupStore(bus: MessageBus, options: FeedGroupStoreOptions): FeedGroupStore {
  const { replicas = 1 } = options;
  const bucket = openExpiringBucket(bus, options.bucket, { replicas, storage: 'file' });
  return {
    ensure: () => bucket.ensure(),
    read: async (name) => {
      const stored = await bucket.read(keyOf(name));
      const state = stored && parseGroup(stored.value);
      return state && { state, revision: stored.revision };
    },
    write: async (name, { state, revision }) => {
      const next = { value: JSON.stringify(state), revision };
      return await bucket.replace(keyOf(name), next, FEED_GROUP_MEMORY_MS);
    },
    count: async (address) => (await bucket.list(`${formatSubscriber(address)}.*`)).length,
  };
}

function keyOf({ address, group }: FeedGroupName): string {
  if (!isSlug(group)) throw new RangeError('the name of a group must be a slug');
  return `${formatSubscriber(address)}.${group}`;
}

function parseGroup(text: string): FeedGroup | undefined {
  try {
    return feedGroupSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
