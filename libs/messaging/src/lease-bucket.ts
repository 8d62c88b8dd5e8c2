import { headers } from '@nats-io/transport-node';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { parseStreamReply, requestStreamApi } from './stream-api.ts';

/** A bucket of small numbers that expire by themselves; every read is answered by its leader. */
export interface LeaseBucket {
  /** Makes the bucket if it is not there. */
  ensure(): Promise<void>;
  /** Sets a number that vanishes after the time. Resolves when it is stored. */
  put(key: string, value: number, ttlMs: number): Promise<void>;
  /** The keys that match a subject filter (`a.*`) and have not expired. */
  list(filter: string): Promise<string[]>;
  /** The number of a key; 0 when it is not there. */
  read(key: string): Promise<number>;
}

const TIMEOUT_MS = 1000;
/** The server counts the life of a message in whole seconds, from one up. */
const SHORTEST_TTL_MS = 1000;
const NANOS_PER_MS = 1_000_000;

export function openLeaseBucket(bus: MessageBus, bucket: string, replicas: number): LeaseBucket {
  const stream = `KV_${bucket}`;
  const prefix = `$KV.${bucket}.`;
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
        if (!(error instanceof StreamRefusedError) || error.code !== STREAM_ERROR.nameInUse) throw error;
      }
    },
    put: async (key, value, ttlMs) => {
      const link = linkOf(bus);
      const header = headers();
      header.set('Nats-TTL', `${Math.ceil(Math.max(ttlMs, SHORTEST_TTL_MS) / 1000)}s`);
      const reply = await link.whileConnected(async () => {
        try {
          return await link.connection.request(`${prefix}${key}`, String(value), {
            headers: header,
            timeout: TIMEOUT_MS,
          });
        } catch (error) {
          throw new BusUnavailableError('the lease was not stored', error);
        }
      });
      parseStreamReply(reply.string());
    },
    list: async (filter) => {
      const { state } = await requestStreamApi<{
        readonly state: { readonly subjects?: Record<string, number> };
      }>(bus, `STREAM.INFO.${stream}`, { subjects_filter: `${prefix}${filter}` }, TIMEOUT_MS);
      return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    },
    read: async (key) => {
      try {
        const reply = await requestStreamApi<{ readonly message: { readonly data?: string } }>(
          bus,
          `STREAM.MSG.GET.${stream}`,
          { last_by_subj: `${prefix}${key}` },
          TIMEOUT_MS,
        );
        const value = Number(Buffer.from(reply.message.data ?? '', 'base64').toString());
        return Number.isSafeInteger(value) && value > 0 ? value : 0;
      } catch (error) {
        if (error instanceof StreamRefusedError && error.code === STREAM_ERROR.messageNotFound) return 0;
        throw error;
      }
    },
  };
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
    // A replica that lags would let a released or exceeded lease pass.
    allow_direct: false,
    allow_rollup_hdrs: true,
    deny_delete: true,
    duplicate_window: 1000 * NANOS_PER_MS,
  };
}
