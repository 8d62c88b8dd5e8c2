import { EVENTS_STREAM } from '@tidewire/contract';
import { STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { findLogInfo } from './log-info.ts';
import type { LogInfo } from './log-info.ts';
import type { MessageBus } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';

/**
 * The highest sequence up to which the stream's leader has no message after `applied`: what lies between was erased,
 * not lost. Returns `applied` itself when the next message is there. Never asks a replica that may lag.
 */
export async function findEndOfHole(bus: MessageBus, applied: number, info: LogInfo): Promise<number> {
  const next = await findNextSequence(bus, applied + 1);
  // Asked after `info`: what is not there now up to its `last` will never be there.
  return next === undefined ? Math.max(applied, info.last) : Math.max(applied, Math.min(next - 1, info.last));
}

/** Whether everything between the two is erased. `false` also when the log was cut off at the front meanwhile. */
export async function isErased(bus: MessageBus, applied: number, received: number): Promise<boolean> {
  const info = await findLogInfo(bus);
  if (info === undefined || applied + 1 < info.first) return false;
  return (await findNextSequence(bus, applied + 1)) === received;
}

/** Sequence of the oldest message at or after `sequence`, from the leader; undefined when there is none. */
export async function findNextSequence(
  bus: MessageBus,
  sequence: number,
  filter = '>',
): Promise<number | undefined> {
  try {
    const reply = await requestStreamApi<{ readonly message: { readonly seq: number } }>(
      bus,
      `STREAM.MSG.GET.${EVENTS_STREAM}`,
      { seq: sequence, next_by_subj: filter },
    );
    return reply.message.seq;
  } catch (error) {
    if (error instanceof StreamRefusedError && error.code === STREAM_ERROR.messageNotFound) return undefined;
    throw error;
  }
}
