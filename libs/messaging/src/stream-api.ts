import { BusUnavailableError, StreamRefusedError } from './bus-error.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { requestRaw } from './request-reply.ts';

interface ApiError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

/**
 * One request to JetStream's API, answered by the stream's leader. Short time-out on purpose: a server that restarts
 * answers nobody, and the caller asks again as soon as the connection is back.
 *
 * @throws BusUnavailableError when nobody answers: the outcome is unknown.
 * @throws StreamRefusedError when JetStream says no.
 */
export async function requestStreamApi<Reply>(
  bus: MessageBus,
  name: string,
  body: object = {},
  timeoutMs = 2000,
): Promise<Reply> {
  const message = await requestRaw(linkOf(bus), `$JS.API.${name}`, JSON.stringify(body), timeoutMs);
  return parseStreamReply(message.string()) as Reply;
}

/** The reply of JetStream to a request or a publish; an error in it is thrown. */
export function parseStreamReply(text: string): object {
  let reply: { readonly error?: ApiError };
  try {
    reply = JSON.parse(text) as { readonly error?: ApiError };
  } catch (error) {
    throw new BusUnavailableError('JetStream answered with something else than JSON', error);
  }
  if (reply.error === undefined) return reply;
  const { code, err_code: errCode, description } = reply.error;
  // 503: no leader or JetStream not ready; it may be there a moment later.
  if (code === 503) throw new BusUnavailableError(description ?? 'JetStream is not available');
  throw new StreamRefusedError(errCode ?? code, description ?? 'JetStream refused the request');
}
