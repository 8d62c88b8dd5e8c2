import { EVENTS_STREAM } from '@tidewire/contract';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import type { MessageBus } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';

/** What the stream's leader says about the log. */
export interface LogInfo {
  /** Identity of the log; empty when the stream was made by somebody else and has none. */
  readonly epoch: string;
  /** Sequence of the oldest message that is still there; `last + 1` when the log is empty. */
  readonly first: number;
  /** Sequence of the newest message; 0 when there never was one. */
  readonly last: number;
  /** When the oldest message was stored, milliseconds since 1970; undefined when the log is empty. */
  readonly firstTime: number | undefined;
  readonly messages: number;
  readonly bytes: number;
}

/** The part of JetStream's stream info that is read here. */
export interface StreamInfoReply {
  readonly config: {
    readonly name: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly [setting: string]: unknown;
  };
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly first_ts: string;
    readonly messages: number;
    readonly bytes: number;
  };
}

/** Name of the member of the stream's metadata that holds the epoch. */
export const EPOCH_METADATA = 'epoch';

/**
 * The log as its leader has it now.
 *
 * @throws BusUnavailableError when the leader does not answer, or when there is no log yet.
 */
export async function readLogInfo(bus: MessageBus): Promise<LogInfo> {
  const info = await findLogInfo(bus);
  if (info === undefined) throw new BusUnavailableError('the event log does not exist yet');
  return info;
}

/** As {@link readLogInfo}; undefined when the stream does not exist. */
export async function findLogInfo(bus: MessageBus, timeoutMs?: number): Promise<LogInfo | undefined> {
  const reply = await findStream(bus, timeoutMs);
  return reply === undefined ? undefined : toLogInfo(reply);
}

/** The stream's settings and state; undefined when it does not exist. */
export async function findStream(bus: MessageBus, timeoutMs?: number): Promise<StreamInfoReply | undefined> {
  try {
    return await requestStreamApi<StreamInfoReply>(bus, `STREAM.INFO.${EVENTS_STREAM}`, {}, timeoutMs);
  } catch (error) {
    if (error instanceof StreamRefusedError && error.code === STREAM_ERROR.streamNotFound) return undefined;
    throw error;
  }
}

export function toLogInfo({ config, state }: StreamInfoReply): LogInfo {
  return {
    epoch: config.metadata?.[EPOCH_METADATA] ?? '',
    // An empty stream that was purged says first = last + 1; one that never had a message says 0.
    first: state.messages === 0 ? state.last_seq + 1 : state.first_seq,
    last: state.last_seq,
    firstTime: state.messages === 0 ? undefined : Date.parse(state.first_ts),
    messages: state.messages,
    bytes: state.bytes,
  };
}
