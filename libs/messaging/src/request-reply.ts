import { TidewireError } from '@tidewire/contract';
import type { RequestFailure } from '@tidewire/contract';
import { RequestError } from '@nats-io/transport-node';
import type { Msg } from '@nats-io/transport-node';
import { BusUnavailableError, MalformedReplyError } from './bus-error.ts';
import type { BusLink } from './bus-link.ts';
import { formatIssues } from './schema.ts';
import type { Schema } from './schema.ts';

export interface RequestOptions {
  /** How long to wait for the answer. Default 2 s. */
  readonly timeoutMs?: number;
}

export interface Responder<Request> {
  /** Replicas of one queue share the requests (`queueGroup`). Absent: each of them answers (`MessageBus.gather`). */
  readonly queue?: string;
  readonly requestSchema: Schema<Request>;
  /** The answer, as the subject's reply schema wants it. */
  readonly handle: (request: Request) => Promise<unknown>;
  /** How many may run at once; more are refused with `SERVICE_UNAVAILABLE`. Default 64. */
  readonly concurrency?: number;
}

interface RequestParts<T> extends RequestOptions {
  readonly subject: string;
  readonly payload: unknown;
  readonly replySchema: Schema<T>;
}

/** See `MessageBus.request`. */
export async function sendRequest<T>(link: BusLink, parts: RequestParts<T>): Promise<T> {
  const { subject, payload, replySchema, timeoutMs = 2000 } = parts;
  const reply = await requestRaw(link, subject, JSON.stringify(payload), timeoutMs);
  let value: unknown;
  try {
    value = reply.json();
  } catch {
    throw new MalformedReplyError(subject, 'not JSON');
  }
  const parsed = replySchema.safeParse(value);
  if (!parsed.success) throw new MalformedReplyError(subject, formatIssues(parsed.error.issues));
  return parsed.data;
}

/** The answer to one request as it came; every way of not getting one is a {@link BusUnavailableError}. */
export async function requestRaw(
  link: BusLink,
  subject: string,
  payload: string,
  timeoutMs: number,
): Promise<Msg> {
  return await link.whileConnected(async () => {
    try {
      return await link.connection.request(subject, payload, { timeout: timeoutMs });
    } catch (error) {
      const nobody = error instanceof RequestError && error.isNoResponders();
      throw new BusUnavailableError(`no answer on ${subject}`, error, nobody);
    }
  });
}

/** See `MessageBus.respond`. Stopping lets the running requests answer. */
export function respondOn<Request>(
  link: BusLink,
  subject: string,
  responder: Responder<Request>,
): () => Promise<void> {
  const limit = responder.concurrency ?? 64;
  let running = 0;
  const answer = async (message: Msg): Promise<void> => {
    running += 1;
    try {
      message.respond(JSON.stringify(await handled(link, message, responder)));
    } catch (error) {
      link.logger.error('answer not sent', { subject, error });
    } finally {
      running -= 1;
    }
  };
  const subscription = link.connection.subscribe(subject, {
    ...(responder.queue === undefined ? {} : { queue: responder.queue }),
    callback: (error, message) => {
      if (error !== null) {
        link.logger.error('subscription refused', { subject, error });
      } else if (running >= limit) {
        message.respond(JSON.stringify(failure(new BusUnavailableError('too many requests at once'))));
      } else {
        void answer(message);
      }
    },
  });
  return () => subscription.drain();
}

async function handled<Request>(
  link: BusLink,
  message: Msg,
  responder: Responder<Request>,
): Promise<unknown> {
  try {
    const parsed = responder.requestSchema.safeParse(parseJson(message));
    if (!parsed.success) {
      throw new TidewireError('BAD_REQUEST', `malformed request: ${formatIssues(parsed.error.issues)}`);
    }
    return await responder.handle(parsed.data);
  } catch (error) {
    if (error instanceof TidewireError) return failure(error);
    link.logger.error('request failed', { subject: message.subject, error });
    return failure(new TidewireError('INTERNAL_ERROR', 'Internal error'));
  }
}

function parseJson(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    throw new TidewireError('BAD_REQUEST', 'malformed request: not JSON');
  }
}

function failure(error: TidewireError): RequestFailure {
  return {
    ok: false,
    code: error.code,
    message: error.message,
    ...(error.errors.length > 0 ? { errors: [...error.errors] } : {}),
  };
}
