import { request, toClientError } from '../http/http.ts';
import type { Runtime } from '../runtime.ts';
import type { TransportEnd, TransportOrder } from './transport.ts';

/** Shorter than who asks for a sign of life waits for it. Milliseconds. */
const PROBE_MS = 4000;

/**
 * Whether the server is there for whoever asks; undefined: it is. Without a token the answer is not held against anybody:
 * where anonymous readers are admitted, they may subscribe without being anybody. Never rejects.
 */
export async function probe(
  runtime: Runtime,
  { url, token }: Pick<TransportOrder, 'url' | 'token'>,
  signal: AbortSignal,
): Promise<TransportEnd | undefined> {
  try {
    await request(runtime, { url: `${url}/api/auth/me`, token, signal, timeoutMs: PROBE_MS });
    return undefined;
  } catch (thrown) {
    const error = toClientError(thrown);
    if (error.status === 401 && error.code !== 'UNUSABLE_ANSWER') {
      return token === null ? undefined : { kind: 'unauthorized', error };
    }
    return { kind: 'lost', error, retryAfterMs: error.retryAfterMs };
  }
}
