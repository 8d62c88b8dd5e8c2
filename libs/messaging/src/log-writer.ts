import { EVENTS_STREAM, EVENTS_STREAM_SUBJECTS, LOG_HEADERS } from '@tidewire/contract';
import { headers, nuid } from '@nats-io/transport-node';
import type { MsgHdrs } from '@nats-io/transport-node';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { EPOCH_METADATA, findStream, toLogInfo } from './log-info.ts';
import type { LogInfo, StreamInfoReply } from './log-info.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { parseStreamReply, requestStreamApi } from './stream-api.ts';

/** The settings of the log that an operator may choose. */
export interface LogSettings {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly replicas: number;
}

/** One event on its way into the log. */
export interface OutgoingEvent {
  readonly subject: string;
  /** UUID of its outbox row: how it is recognised in the log after a doubtful send. */
  readonly outboxId: string;
  readonly payload: Uint8Array;
}

export interface Publication {
  readonly events: readonly OutgoingEvent[];
  readonly epoch: string;
  /** The log's last sequence, as the caller knows it: any other refuses the whole publication. */
  readonly expectedLast: number;
}

/**
 * The log as its single writer has it. Only the relay opens one. It does nothing by itself and repeats nothing:
 * after any error the caller must look at the log before it sends again.
 */
export interface LogWriter {
  /** The log as its leader has it; undefined when it does not exist. */
  find(): Promise<LogInfo | undefined>;
  /** Outbox ids of the messages in the range, by sequence, from the leader; erased ones are missing from the map. */
  readOutboxIds(after: number, last: number): Promise<Map<number, string>>;
  /** Makes the log. Numbers begin behind `lastSequence`. */
  create(epoch: string, lastSequence: number): Promise<LogInfo>;
  /** Brings an existing log to the settings; keeps its epoch and its messages. Undefined when there is none. */
  configure(): Promise<LogInfo | undefined>;
  /** Gives an existing log a new identity: numbers go on behind `lastSequence`, everything older is gone. */
  startEpoch(epoch: string, lastSequence: number): Promise<LogInfo>;
  /**
   * Stores the events in this order behind `expectedLast`: all or none with one atomic batch from
   * {@link SMALL_PUBLICATION} + 1 events on, else one by one (then an error can leave a first part stored).
   * Resolves with the sequence of the last one.
   *
   * @throws StreamRefusedError when the log's end is another; nothing was stored (of a batch).
   * @throws BusUnavailableError when the outcome is unknown.
   */
  publish(publication: Publication): Promise<number>;
}

/** Up to here single publishes are quicker than an atomic batch with its fixed cost of some milliseconds. */
export const SMALL_PUBLICATION = 4;

const PUBLISH_TIMEOUT_MS = 3000;
/** A leader that does not answer within this is asked again by the caller, as soon as it is back. */
const API_TIMEOUT_MS = 1000;
/** Making or changing a stream writes files and waits for the disk, which on a busy one takes seconds. */
const CHANGE_TIMEOUT_MS = 10_000;
const NANOS_PER_MS = 1_000_000;
const encoder = new TextEncoder();

export function openLogWriter(bus: MessageBus, settings: LogSettings): LogWriter {
  const api = <Reply>(name: string, body: object): Promise<Reply> =>
    requestStreamApi<Reply>(bus, `${name}.${EVENTS_STREAM}`, body, API_TIMEOUT_MS);
  const change = <Reply>(name: string, body: object): Promise<Reply> =>
    requestStreamApi<Reply>(bus, `${name}.${EVENTS_STREAM}`, body, CHANGE_TIMEOUT_MS);

  const update = async (found: StreamInfoReply, epoch: string | undefined): Promise<LogInfo> => {
    const metadata = epoch === undefined ? found.config.metadata : { [EPOCH_METADATA]: epoch };
    const config = { ...found.config, ...formatSettings(settings), metadata };
    return toLogInfo(await change<StreamInfoReply>('STREAM.UPDATE', config));
  };
  const findRequired = async (): Promise<StreamInfoReply> => {
    const found = await findStream(bus, API_TIMEOUT_MS);
    if (found === undefined) throw new BusUnavailableError('the event log does not exist');
    return found;
  };

  return {
    find: async () => {
      const found = await findStream(bus, API_TIMEOUT_MS);
      return found === undefined ? undefined : toLogInfo(found);
    },
    readOutboxIds: (after, last) => readOutboxIds(api, after, last),
    create: async (epoch, lastSequence) => {
      const config = {
        ...formatSettings(settings),
        storage: 'file',
        metadata: { [EPOCH_METADATA]: epoch },
        first_seq: lastSequence + 1,
      };
      return toLogInfo(await change<StreamInfoReply>('STREAM.CREATE', config));
    },
    configure: async () => {
      const found = await findStream(bus, API_TIMEOUT_MS);
      return found === undefined ? undefined : await update(found, undefined);
    },
    startEpoch: async (epoch, lastSequence) => {
      // The name first: whoever looks between the two steps already knows that its position means nothing here.
      await update(await findRequired(), epoch);
      await change('STREAM.PURGE', { seq: lastSequence + 1 });
      return toLogInfo(await findRequired());
    },
    publish: (publication) => publish(bus, publication),
  };
}

function formatSettings(settings: LogSettings): object {
  return {
    name: EVENTS_STREAM,
    subjects: EVENTS_STREAM_SUBJECTS,
    retention: 'limits',
    discard: 'old',
    max_age: settings.maxAgeMs * NANOS_PER_MS,
    max_bytes: settings.maxBytes,
    num_replicas: settings.replicas,
    allow_atomic: true,
    // Every decision is made on what the leader says, so replicas need not answer.
    allow_direct: false,
    // Nobody removes a single message; erasing an object purges its subject.
    deny_delete: true,
    deny_purge: false,
    max_msg_size: -1,
    // Nothing here has a message id; the window is only kept below the age, which the server asks for.
    duplicate_window: Math.min(settings.maxAgeMs, 120_000) * NANOS_PER_MS,
  };
}

type Api = <Reply>(name: string, body: object) => Promise<Reply>;

/** How many messages are asked for at once. */
const READ_AHEAD = 64;

async function readOutboxIds(api: Api, after: number, last: number): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  for (let next = after + 1; next <= last; next += READ_AHEAD) {
    const count = Math.min(READ_AHEAD, last - next + 1);
    const sequences = Array.from({ length: count }, (_, index) => next + index);
    const found = await Promise.all(sequences.map((sequence) => readOutboxId(api, sequence)));
    for (const [index, id] of found.entries()) if (id !== undefined) ids.set(next + index, id);
  }
  return ids;
}

async function readOutboxId(api: Api, sequence: number): Promise<string | undefined> {
  try {
    const reply = await api<{ readonly message: { readonly hdrs?: string } }>('STREAM.MSG.GET', {
      seq: sequence,
    });
    const text = Buffer.from(reply.message.hdrs ?? '', 'base64').toString();
    return parseHeader(text, LOG_HEADERS.outbox) ?? '';
  } catch (error) {
    if (error instanceof StreamRefusedError && error.code === STREAM_ERROR.messageNotFound) return undefined;
    throw error;
  }
}

function parseHeader(text: string, name: string): string | undefined {
  const line = text.split('\r\n').find((candidate) => candidate.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

interface PublishReply {
  readonly seq: number;
  readonly count?: number;
}

async function publish(bus: MessageBus, publication: Publication): Promise<number> {
  const { events, expectedLast } = publication;
  if (events.length > SMALL_PUBLICATION) return await publishBatch(bus, publication);
  let last = expectedLast;
  for (const event of events) {
    // Awaited one by one: expected-last-sequence keeps another writer out only while nothing is in flight.
    const expected = formatHeaders(event, publication.epoch);
    expected.set('Nats-Expected-Last-Sequence', String(last));
    const reply = await request(bus, event, expected);
    if (reply.seq !== last + 1)
      throw new BusUnavailableError(`stored at ${reply.seq} instead of ${last + 1}`);
    last = reply.seq;
  }
  return last;
}

/** The client library's own batch ignores expectations and hides the server's errors. */
async function publishBatch(bus: MessageBus, publication: Publication): Promise<number> {
  const { events, epoch, expectedLast } = publication;
  const link = linkOf(bus);
  const batch = nuid.next();
  let outcome: Promise<PublishReply> | undefined;
  for (const [index, event] of events.entries()) {
    if (!link.connected) throw new BusUnavailableError('the connection to NATS was lost');
    const header = formatHeaders(event, epoch);
    header.set('Nats-Batch-Id', batch);
    header.set('Nats-Batch-Sequence', String(index + 1));
    if (index === 0) header.set('Nats-Expected-Last-Sequence', String(expectedLast));
    if (index < events.length - 1) {
      link.connection.publish(event.subject, event.payload, { headers: header });
    } else {
      header.set('Nats-Batch-Commit', '1');
      outcome = request(bus, event, header);
    }
  }
  const reply = await outcome;
  const last = expectedLast + events.length;
  if (reply?.seq !== last || reply.count !== events.length) {
    throw new BusUnavailableError(`a batch of ${events.length} was acknowledged as ${JSON.stringify(reply)}`);
  }
  return last;
}

function formatHeaders(event: OutgoingEvent, epoch: string): MsgHdrs {
  const header = headers();
  header.set(LOG_HEADERS.outbox, event.outboxId);
  header.set(LOG_HEADERS.epoch, epoch);
  return header;
}

async function request(bus: MessageBus, event: OutgoingEvent, header: MsgHdrs): Promise<PublishReply> {
  const link = linkOf(bus);
  const reply = await link.whileConnected(async () => {
    try {
      return await link.connection.request(event.subject, event.payload, {
        headers: header,
        timeout: PUBLISH_TIMEOUT_MS,
      });
    } catch (error) {
      throw new BusUnavailableError('the log did not acknowledge a publication', error);
    }
  });
  return parseStreamReply(reply.string()) as PublishReply;
}

/** The bytes of a text, as they are published. */
export function encodePayload(text: string): Uint8Array {
  return encoder.encode(text);
}
