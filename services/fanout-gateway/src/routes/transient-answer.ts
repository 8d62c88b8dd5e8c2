import { toTidewireError } from '@tidewire/service-kit';
import type { HttpReply, HttpRequest } from '@tidewire/service-kit';
import { SSE_MEDIA_TYPE } from '../transports/sse.ts';

/** Whether the client is an EventSource, or behaves like one. */
export function wantsEventStream(request: Pick<HttpRequest, 'headers'>): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes(SSE_MEDIA_TYPE);
}

/**
 * Answers what is only temporary. An EventSource that gets anything but 200 stays closed for good (WHATWG HTML 9.2),
 * and those that reconnect while something is away are exactly the ones that must come back: they get an empty stream
 * that says when to try again. False when the error is not temporary or the client is no EventSource.
 */
export function answerTransient(
  error: unknown,
  request: HttpRequest,
  reply: HttpReply,
  retryMs: number,
): boolean {
  if (!wantsEventStream(request) || toTidewireError(error).status < 500) return false;
  void reply
    .code(200)
    .header('content-type', SSE_MEDIA_TYPE)
    .header('x-accel-buffering', 'no')
    .serializer(String)
    .send(`retry: ${retryMs}\n\n`);
  return true;
}
