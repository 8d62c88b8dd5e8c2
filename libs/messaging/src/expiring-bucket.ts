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
 * A bucket of small values that expire by themselves; every read is answered by its leader. In memory nothing in it outlives
 * NATS: whoever wrote a value writes it again. What may be done twice, all but writing in place of a revision, is asked
 * once more when no answer comes: one that a new leader or a busy server owes is never given.
 */
export interface ExpiringBucket {
  /** Makes the bucket if it is not there. */
  ensure(): Promise<void>;
  /** Sets a value that vanishes after the time. Resolves when it is stored. */
  put(key: string, value: string, ttlMs: number): Promise<void>;
  /**
   * The same in place of the revision (0: of nothing), and returns that of the new value; undefined, and nothing is set, when
   * that was not the newest one any more.
   */
  replace(key: string, next: StoredValue, ttlMs: number): Promise<number | undefined>;
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

export interface BucketSettings {
  readonly replicas: number;
  /** `file` for what nobody could write again. Default: `memory`. */
  readonly storage?: 'memory' | 'file';
}

export function openExpiringBucket(
  bus: MessageBus,
  bucket: string,
  { replicas, storage = 'memory' }: BucketSettings,
): ExpiringBucket {
  const stream = `KV_${bucket}`;
  const prefix = `$KV.${bucket}.`;
  const ask = async <Reply>(name: string, body: object): Promise<Reply> =>
    askAgain(() => requestStreamApi<Reply>(bus, name, body, TIMEOUT_MS));
  const write = async (key: string, value: string, settings: WriteSettings): Promise<number> => {
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
    return (parseStreamReply(reply.string()) as { readonly seq: number }).seq;
  };
  const writeIfNewest = async (
    key: string,
    value: string,
    settings: WriteSettings,
  ): Promise<number | undefined> => {
    try {
      return await write(key, value, settings);
    } catch (error) {
      if (hasCode(error, STREAM_ERROR.wrongLastSequence)) return undefined;
      throw error;
    }
  };
  return {
    ensure: async () => {
      try {
        await ask(`STREAM.CREATE.${stream}`, formatBucket(stream, prefix, { replicas, storage }));
      } catch (error) {
        // There already, perhaps with settings of another version: good enough.
        if (!hasCode(error, STREAM_ERROR.nameInUse)) throw error;
      }
    },
    put: async (key, value, ttlMs) => {
      await askAgain(() => write(key, value, { ttlMs }));
    },
    replace: (key, { value, revision }, ttlMs) => writeIfNewest(key, value, { ttlMs, revision }),
    // An empty value in its place, which vanishes: a deletion would need the right to purge the bucket.
    remove: async (key, revision) => (await writeIfNewest(key, '', { ttlMs: 0, revision })) !== undefined,
    list: async (filter) => {
      const { state } = await ask<{
        readonly state: { readonly subjects?: Record<string, number> };
      }>(`STREAM.INFO.${stream}`, { subjects_filter: `${prefix}${filter}` });
      return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    },
    read: async (key) => {
      try {
        const { message } = await ask<{
          readonly message: { readonly data?: string; readonly seq: number };
        }>(`STREAM.MSG.GET.${stream}`, { last_by_subj: `${prefix}${key}` });
        const value = Buffer.from(message.data ?? '', 'base64').toString();
        return value === '' ? undefined : { value, revision: message.seq };
      } catch (error) {
        if (hasCode(error, STREAM_ERROR.messageNotFound)) return undefined;
        throw error;
      }
    },
  };
}

async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof BusUnavailableError)) throw error;
    return ask();
  }
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

function formatBucket(
  stream: string,
  prefix: string,
  { replicas, storage }: Required<BucketSettings>,
): object {
  return {
    name: stream,
    subjects: [`${prefix}>`],
    storage,
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
