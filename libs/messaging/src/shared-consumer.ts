import { EVENTS_STREAM } from '@tidewire/contract';
import { createInbox } from '@nats-io/transport-node';
import type { Msg } from '@nats-io/transport-node';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { decodeLogEntry } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';
import { parseAckSubject } from './ack-subject.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';

/** An entry of the log that this process has to deal with, and nobody else until `ackWaitMs` are over. */
export interface SharedEntry {
  readonly entry: LogEntry;
  /** It is done with. Lost acknowledgements bring it again, perhaps to another process. */
  readonly acknowledge: () => void;
  /** It could not be dealt with: it comes again at once. */
  readonly giveBack: () => void;
}

export interface SharedConsumerOptions {
  /** The consumer's name; all who share the work give the same. */
  readonly name: string;
  /** An entry that was not acknowledged within this time is given to whoever asks next, milliseconds. */
  readonly ackWaitMs: number;
  /** Entries that are given out and not yet acknowledged, over all who share the work. */
  readonly maxUnacknowledged: number;
  readonly replicas: number;
}

/** How far the work is. */
export interface SharedProgress {
  /** Everything up to here was acknowledged. */
  readonly done: number;
  /** Entries behind that, given out or not. */
  readonly left: number;
}

/**
 * The whole log as work that several processes share: a durable consumer, which outlives all of them. Each entry is given to one
 * of them, and again until one has acknowledged it; so some come twice, and not in order.
 *
 * Everything here throws BusUnavailableError while NATS is away, and StreamRefusedError when there is no such consumer any more
 * (`ensure`).
 */
export interface SharedConsumer {
  /**
   * Makes the consumer if it is not there, from the position given, and says whether it did: then what was done before is not
   * known to it.
   */
  ensure(after: number): Promise<'made' | 'there'>;
  /** Forgets it with all progress. */
  remove(): Promise<void>;
  /** The next entries, at most `most`: at once when there are some, else when one comes; none after `waitMs`. */
  take(most: number, waitMs: number): Promise<readonly SharedEntry[]>;
  progress(): Promise<SharedProgress>;
}

const NANOS_PER_MS = 1_000_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** Beyond what the server takes to say that nothing came. */
const GRACE_MS = 1000;
const GIVEN_UP: ReadonlySet<number> = new Set([404, 408]);

interface ConsumerInfo {
  readonly ack_floor: { readonly stream_seq: number };
  readonly num_ack_pending: number;
  readonly num_pending: number;
}

/** Opens the work under a name; the consumer is made by `ensure`. */
export function openSharedConsumer(bus: MessageBus, options: SharedConsumerOptions): SharedConsumer {
  const { name } = options;
  const find = async (): Promise<ConsumerInfo> =>
    await requestStreamApi<ConsumerInfo>(bus, `CONSUMER.INFO.${EVENTS_STREAM}.${name}`);
  return {
    ensure: async (after) => {
      try {
        await find();
        return 'there';
      } catch (error) {
        if (!isNotThere(error)) throw error;
      }
      await requestStreamApi(bus, `CONSUMER.CREATE.${EVENTS_STREAM}.${name}`, creation(options, after));
      return 'made';
    },
    remove: async () => {
      try {
        await requestStreamApi(bus, `CONSUMER.DELETE.${EVENTS_STREAM}.${name}`);
      } catch (error) {
        if (!isNotThere(error)) throw error;
      }
    },
    take: async (most, waitMs) => {
      const ready = await pull(bus, name, { batch: most, no_wait: true }, GRACE_MS);
      if (ready.length > 0 || waitMs <= 0) return ready;
      const expires = waitMs * NANOS_PER_MS;
      return await pull(bus, name, { batch: 1, expires }, waitMs + GRACE_MS);
    },
    progress: async () => {
      const { ack_floor: floor, num_ack_pending: given, num_pending: waiting } = await find();
      return { done: floor.stream_seq, left: given + waiting };
    },
  };
}

function isNotThere(error: unknown): boolean {
  return error instanceof StreamRefusedError && error.code === STREAM_ERROR.consumerNotFound;
}

function creation(options: SharedConsumerOptions, after: number): object {
  const { name, ackWaitMs, maxUnacknowledged, replicas } = options;
  return {
    stream_name: EVENTS_STREAM,
    action: 'create',
    config: {
      name,
      durable_name: name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: after + 1,
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * NANOS_PER_MS,
      max_ack_pending: maxUnacknowledged,
      replay_policy: 'instant',
      num_replicas: replicas,
    },
  };
}

/** One request for messages, until they are there or the server says that no more come. */
async function pull(
  bus: MessageBus,
  name: string,
  request: { readonly batch: number; readonly no_wait?: true; readonly expires?: number },
  limitMs: number,
): Promise<readonly SharedEntry[]> {
  const link = linkOf(bus);
  const inbox = createInbox(link.inboxPrefix);
  const taken: SharedEntry[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const subscription = link.connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) reject(error);
      else if (parseAckSubject(message.reply) !== undefined) {
        taken.push(readEntry(message));
        if (taken.length === request.batch) resolve();
      } else if (mayGoOn(message)) return;
      else if (GIVEN_UP.has(message.headers?.code ?? 0) || taken.length > 0) resolve();
      else reject(refusal(message));
    },
  });
  const timer = setTimeout(resolve, limitMs);
  try {
    const body = JSON.stringify({ ...request, max_bytes: MAX_BYTES });
    link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${EVENTS_STREAM}.${name}`, body, { reply: inbox });
    await link.whileConnected(() => promise);
  } catch (error) {
    // What came before is worked on all the same: nobody else gets it for a while.
    if (taken.length === 0) throw error;
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
  return taken;
}

function readEntry(message: Msg): SharedEntry {
  const sequence = parseAckSubject(message.reply)?.sequence ?? 0;
  return {
    entry: decodeLogEntry(message, sequence, ''),
    acknowledge: () => message.respond('+ACK'),
    giveBack: () => message.respond('-NAK'),
  };
}

/** 100: a heartbeat. */
function mayGoOn(message: Msg): boolean {
  return message.headers?.code === 100;
}

function refusal(message: Msg): Error {
  const { code = 0, description = '' } = message.headers ?? {};
  if (code === 503 || /consumer deleted/i.test(description)) {
    return new StreamRefusedError(STREAM_ERROR.consumerNotFound, 'the consumer is gone');
  }
  return new BusUnavailableError(`the consumer ended: ${code} ${description}`);
}
