import { FEED_CONTENT_TYPES, FEED_HEADERS, formatProblem } from '@tidewire/contract';
import type { TidewireError } from '@tidewire/contract';
import type { ClientMessage } from './client-channel.ts';

/** A refusal as subscribers get it: the problem document of HTTP, and in headers what micro services of NATS say. */
export function formatRefusal(error: TidewireError): ClientMessage & { readonly body: string } {
  const { code, status, retryAfterSeconds } = error;
  return {
    contentType: FEED_CONTENT_TYPES.problem,
    body: JSON.stringify(formatProblem(error)),
    headers: {
      [FEED_HEADERS.errorCode]: String(status),
      [FEED_HEADERS.error]: code,
      ...(retryAfterSeconds === undefined ? {} : { [FEED_HEADERS.retryAfter]: String(retryAfterSeconds) }),
    },
  };
}
