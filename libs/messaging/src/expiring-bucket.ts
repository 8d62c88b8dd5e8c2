import { headers } from '@nats-io/transport-node';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { parseStreamReply, requestStreamApi } from './stream-api.ts';

/** A value as it is stored. Of two values of a bucket the one that was written later has the higher revision. */
export interface StoredValue {
  readonly value: string;
  readonly revision: number;
}

/**
 * A bucket of small values that expire by themselves; every read is answered by its leader. Nothing in it outlives NATS:
 * whoever wrote a value writes it again.
 */
export interface ExpiringBucket {
  /** Makes the bucket if it is not there. */
  ensure(): Promise<void>;
  /** Sets a value that vanishes after the time. Resolves when it is stored. */
  put(key: string, value: string, ttlMs: number): Promise<void>;
  /** The same in place of the revision, and says whether that was still the newest one; otherwise nothing is set. */
  replace(key: string, next: StoredValue, ttlMs: number): Promise<boolean>;
  /** Takes a value away: with a revision only if that is still the newest one, and says whether it was. */
  remove(key: string, revision?: number): Promise<boolean>;
  /** The keys that match a subject filter (`a.*`) and have not expired. What was removed is listed for a second more. */
  list(filter: string): Promise<string[]>;
  /** The value of a key; undefined when it is not there. */
  read(key: string): Promise<StoredValue | undefined>;
}

const TIMEOUT_MS = 1000;
/** The server counts the life of a message in whole seconds, from one up. */
const SHORTEST_TTL_MS = 1000;
const NANOS_PER_MS = 1_000_000;

export function openExpiringBucket(bus: MessageBus, bucket: string, replicas: number): ExpiringBucket {
  const stream = `KV_${bucket}`;
  const prefix = `$KV.${bucket}.`;
  const write = async (key: string, value: string, settings: WriteSettings): Promise<void> => {
    const link = linkOf(bus);
    const reply = await link.whileConnected(async () => {
      try {
        return await link.connection.request(`${prefix}${key}`, value, {
          headers: formatHeaders(settings),
          timeout: TIMEOUT_MS,
        });
      } catch (error) {
        throw new BusUnavailableError(`nothing was stored in ${bucket}`, error);
      }
    });
    parseStreamReply(reply.string());
  };
  const writeIfNewest = async (key: string, value: string, settings: WriteSettings): Promise<boolean> => {
    try {
      await write(key, value, settings);
      return true;
    } catch (error) {
      if (hasCode(error, STREAM_ERROR.wrongLastSequence)) return false;
      throw error;
    }
  };
  return {
    ensure: async () => {
      try {
        await requestStreamApi(
          bus,
          `STREAM.CREATE.${stream}`,
          formatBucket(stream, prefix, replicas),
          TIMEOUT_MS,
        );
      } catch (error) {
        // There already, perhaps with settings of another version: good enough.
        if (!hasCode(error, STREAM_ERROR.nameInUse)) throw error;
      }
    },
    put: (key, value, ttlMs) => write(key, value, { ttlMs }),
    replace: (key, { value, revision }, ttlMs) => writeIfNewest(key, value, { ttlMs, revision }),
    // An empty value in its place, which vanishes: a deletion would need the right to purge the bucket.
    remove: (key, revision) => writeIfNewest(key, '', { ttlMs: 0, revision }),
    list: async (filter) => {
      const { state } = await requestStreamApi<{
        readonly state: { readonly subjects?: Record<string, number> };
      }>(bus, `STREAM.INFO.${stream}`, { subjects_filter: `${prefix}${filter}` }, TIMEOUT_MS);
      return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    },
    read: async (key) => {
      try {
        const { message } = await requestStreamApi<{
          readonly message: { readonly data?: string; readonly seq: number };
        }>(bus, `STREAM.MSG.GET.${stream}`, { last_by_subj: `${prefix}${key}` }, TIMEOUT_MS);
        const value = Buffer.from(message.data ?? '', 'base64').toString();
        return value === '' ? undefined : { value, revision: message.seq };
      } catch (error) {
        if (hasCode(error, STREAM_ERROR.messageNotFound)) return undefined;
        throw error;
      }
    },
  };
}

interface WriteSettings {
  readonly ttlMs: number;
  readonly revision?: number | undefined;
}

function formatHeaders({ ttlMs, revision }: WriteSettings): ReturnType<typeof headers> {
  const set = headers();
  set.set('Nats-TTL', `${Math.ceil(Math.max(ttlMs, SHORTEST_TTL_MS) / 1000)}s`);
  if (revision !== undefined) set.set('Nats-Expected-Last-Subject-Sequence', String(revision));
  return set;
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof StreamRefusedError && error.code === code;
}

function formatBucket(stream: string, prefix: string, replicas: number): object {
  return {
    name: stream,
    subjects: [`${prefix}>`],
    // Whatever is lost here is written again by its owner.
    storage: 'memory',
    retention: 'limits',
    discard: 'new',
    max_msgs_per_subject: 1,
    max_bytes: 64 * 1024 * 1024,
    num_replicas: replicas,
    allow_msg_ttl: true,
    // A replica that lags would let a released or exceeded lease pass, or show somebody who has left.
    allow_direct: false,
    allow_rollup_hdrs: true,
    deny_delete: true,
    duplicate_window: 1000 * NANOS_PER_MS,
  };
}
