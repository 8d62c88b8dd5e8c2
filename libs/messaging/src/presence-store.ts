import { formatPresenceSubject, presenceEntrySchema, presenceSignalSchema } from '@tidewire/contract';
import type { PresenceEntry, PresenceSignal } from '@tidewire/contract';
import { openExpiringBucket } from './expiring-bucket.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

export interface PresenceStoreOptions {
  /** `PRESENCE_BUCKET`. */
  readonly bucket: string;
  /** An entry that is not written again for so long vanishes, milliseconds. */
  readonly ttlMs: number;
  readonly replicas?: number;
}

/** An entry, and when it was written: of two the one with the lower revision was written earlier. */
export interface StoredPresence {
  readonly entry: PresenceEntry;
  readonly revision: number;
}

/**
 * Who is on which page, as all gateways see it, and what they tell each other of it. `page` is a token of a subject, and
 * an entry is found by its page and its `connection`. Signals can be lost, entries are the truth.
 *
 * What asks or writes throws BusUnavailableError when NATS is away, and StreamRefusedError when the bucket is full or is
 * not there (`ensure`).
 */
export interface PresenceStore {
  /** Makes the bucket if it is not there: at the start, and after NATS may have lost it. */
  ensure(): Promise<void>;
  /** Writes an entry, for the first time or again. */
  put(page: string, entry: PresenceEntry): Promise<void>;
  /** Takes an entry away; with a revision only if it was not written again since, and says whether it was taken. */
  remove(page: string, connection: string, revision?: number): Promise<boolean>;
  /** The connections of a page, perhaps with some that left within the last second. */
  list(page: string): Promise<readonly string[]>;
  /** An entry; undefined when it is not there or is not one. */
  read(page: string, connection: string): Promise<StoredPresence | undefined>;
  /** Tells all gateways that listen to the page, this one too. Nothing happens while NATS is away. */
  signal(page: string, signal: PresenceSignal): void;
  /** Calls back with what gateways tell of the page. Returns how to stop. */
  onSignal(page: string, handler: (signal: PresenceSignal) => void): () => void;
}

/** Opens the store; its bucket is made by `ensure`. */
export function openPresenceStore(bus: MessageBus, options: PresenceStoreOptions): PresenceStore {
  const bucket = openExpiringBucket(bus, options.bucket, { replicas: options.replicas ?? 1 });
  return {
    ensure: () => bucket.ensure(),
    put: (page, entry) => bucket.put(`${page}.${entry.connection}`, JSON.stringify(entry), options.ttlMs),
    remove: (page, connection, revision) => bucket.remove(`${page}.${connection}`, revision),
    list: async (page) => (await bucket.list(`${page}.*`)).map((key) => key.slice(page.length + 1)),
    read: async (page, connection) => {
      const stored = await bucket.read(`${page}.${connection}`);
      const entry = stored && parseEntry(stored.value);
      return entry && { entry, revision: stored.revision };
    },
    signal: (page, signal) => bus.signal(formatPresenceSubject(page), signal),
    onSignal: (page, handler) =>
      bus.onSignal(formatPresenceSubject(page), (payload) => {
        const signal = presenceSignalSchema.safeParse(payload);
        if (signal.success) handler(signal.data);
        else linkOf(bus).logger.warn('presence signal dropped', { error: signal.error });
      }),
  };
}

function parseEntry(text: string): PresenceEntry | undefined {
  try {
    return presenceEntrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
