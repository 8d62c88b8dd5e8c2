import { DEAD_LETTERS_STREAM, deadLetterSubject } from '@tidewire/contract';
import type { DeadLetter } from '@tidewire/contract';
import { BusUnavailableError, STREAM_ERROR, StreamRefusedError } from './bus-error.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { parseStreamReply, requestStreamApi } from './stream-api.ts';

/** What was given up, in a stream of its own: for operators, and for programs of theirs. */
export interface DeadLetters {
  /**
   * Adds one. Resolves when it is stored.
   *
   * @throws BusUnavailableError, StreamRefusedError: it may not be stored.
   */
  add(letter: DeadLetter): Promise<void>;
}

const TIMEOUT_MS = 2000;
const NANOS_PER_MS = 1_000_000;
/** The oldest go first when one of these is reached. */
const MAX_AGE_MS = 30 * 86_400_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Opens the stream, which is made by the first letter. */
export function openDeadLetters(bus: MessageBus, { replicas }: { readonly replicas: number }): DeadLetters {
  const link = linkOf(bus);
  const publish = async (letter: DeadLetter): Promise<void> => {
    const reply = await link.whileConnected(async () => {
      try {
        const subject = deadLetterSubject(letter.kind);
        return await link.connection.request(subject, JSON.stringify(letter), { timeout: TIMEOUT_MS });
      } catch (error) {
        throw new BusUnavailableError('a dead letter was not stored', error);
      }
    });
    parseStreamReply(reply.string());
  };
  return {
    add: async (letter) => {
      try {
        await publish(letter);
      } catch {
        // Nobody listens where there is no stream.
        await ensure(bus, replicas);
        await publish(letter);
      }
    },
  };
}

async function ensure(bus: MessageBus, replicas: number): Promise<void> {
  try {
    await requestStreamApi(bus, `STREAM.CREATE.${DEAD_LETTERS_STREAM}`, {
      name: DEAD_LETTERS_STREAM,
      subjects: [deadLetterSubject('*')],
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      max_age: MAX_AGE_MS * NANOS_PER_MS,
      max_bytes: MAX_BYTES,
      num_replicas: replicas,
    });
  } catch (error) {
    if (!(error instanceof StreamRefusedError) || error.code !== STREAM_ERROR.nameInUse) throw error;
  }
}
