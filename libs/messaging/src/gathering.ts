import { createInbox } from '@nats-io/transport-node';
import { BusUnavailableError } from './bus-error.ts';
import type { BusLink } from './bus-link.ts';
import type { Schema } from './schema.ts';

export interface GatherOptions<T> {
  /** Whether nobody else is expected to answer: ends the wait before its time. Asked after each answer. */
  readonly isComplete: (answers: readonly T[]) => boolean;
  /** How long to wait for the last answer. Default 1 s. */
  readonly timeoutMs?: number;
  /** Answers that are taken; more are not waited for. Default 1000. */
  readonly maxAnswers?: number;
}

interface GatherParts<T> extends GatherOptions<T> {
  readonly subject: string;
  readonly payload: unknown;
  readonly replySchema: Schema<T>;
}

/** See `MessageBus.gather`. */
export async function gatherAnswers<T>(link: BusLink, parts: GatherParts<T>): Promise<readonly T[]> {
  const { subject, payload, replySchema, isComplete, timeoutMs = 1000, maxAnswers = 1000 } = parts;
  const { connection, logger } = link;
  return await link.whileConnected(async () => {
    const answers: T[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const inbox = createInbox(link.inboxPrefix);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return reject(new BusUnavailableError(`no answers on ${subject}`, error));
        // Nobody listens: an empty message with a status.
        if (message.data.length === 0 && message.headers?.code === 503) return resolve();
        // Several may come in one read of the socket, before the wait is over for those who asked.
        if (answers.length >= maxAnswers) return;
        const answer = parseAnswer(message.string(), replySchema);
        if (answer === undefined) {
          logger.warn('malformed answer dropped', { subject });
          return;
        }
        answers.push(answer.data);
        if (answers.length >= maxAnswers || isComplete(answers)) resolve();
      },
    });
    const timer = setTimeout(resolve, timeoutMs);
    try {
      connection.publish(subject, JSON.stringify(payload), { reply: inbox });
      await promise;
      return answers;
    } finally {
      clearTimeout(timer);
      subscription.unsubscribe();
    }
  });
}

function parseAnswer<T>(text: string, schema: Schema<T>): { readonly data: T } | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? { data: parsed.data } : undefined;
  } catch {
    return undefined;
  }
}
