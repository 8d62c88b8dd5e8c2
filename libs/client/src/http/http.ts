import { POSITION_HEADER } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { FieldError } from '../client-error.ts';
import type { Clock, Runtime } from '../runtime.ts';

/** How long an answer may take, to its last byte, unless a request says otherwise. Milliseconds. */
const TIMEOUT_MS = 30_000;
/** The longest answer: the longest list, 1000 records, of 32 KiB each. Bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** The longest refusal that is read: one that names a thousand fields. Bytes. */
const MAX_PROBLEM_BYTES = 256 * 1024;

export interface HttpRequest {
  /** The whole address. */
  readonly url: string;
  /** null: the browser's cookies say who asks. */
  readonly token: string | null;
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE' | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** What kind of answer is wanted; JSON when absent. */
  readonly accept?: string | undefined;
  /** The `ETag` of the answer that is known: the same one again is answered by status 304. */
  readonly ifNoneMatch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** To the last byte of the answer. Milliseconds. */
  readonly timeoutMs?: number | undefined;
}

export interface HttpAnswer {
  /** 200 to 299, or 304 where `ifNoneMatch` was sent. */
  readonly status: number;
  /** As JSON says it; undefined where there is none (204, 304). Nobody has looked at its shape. */
  readonly body: unknown;
  readonly etag: string | undefined;
  /** The place in the log that a list includes, where the answer names it beside its body. */
  readonly position: string | undefined;
}

/**
 * One request with a JSON answer.
 *
 * @throws ClientError the server's (PROTOCOL.md section 9) for every other status; `NETWORK` when no whole answer came in
 * time, or the signal was aborted; `UNUSABLE_ANSWER` for one that is not of this protocol, such as a proxy's page.
 */
export async function request(runtime: Runtime, order: HttpRequest): Promise<HttpAnswer> {
  const abort = new AbortController();
  const giveUp = (): void => abort.abort();
  const cancel = runtime.clock.setTimeout(giveUp, order.timeoutMs ?? TIMEOUT_MS);
  order.signal?.addEventListener('abort', giveUp);
  if (order.signal?.aborted === true) giveUp();
  try {
    const response = await send(runtime, { ...order, signal: abort.signal });
    const { status } = response;
    const etag = response.headers.get('etag') ?? undefined;
    const position = response.headers.get(POSITION_HEADER) ?? undefined;
    const unchanged = status === 304 && order.ifNoneMatch !== undefined;
    if (unchanged || status === 204) return { status, body: undefined, etag, position };
    if (!response.ok) throw await readRefusal(response, runtime.clock);
    return { status, body: parseJson(await readText(response, MAX_BYTES), status), etag, position };
  } catch (error) {
    throw toClientError(error);
  } finally {
    cancel();
    order.signal?.removeEventListener('abort', giveUp);
  }
}

/** Sends a request and gives the head of its answer, whatever it is. Its time is not bounded here. */
export async function send(runtime: Runtime, order: HttpRequest): Promise<Response> {
  const { token, body, accept = 'application/json', ifNoneMatch, signal } = order;
  // Called without its object, which a browser's `fetch` insists on.
  const { fetch } = runtime;
  return await fetch(order.url, {
    method: order.method ?? 'GET',
    headers: {
      accept,
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    },
    cache: 'no-store',
    // A cookie beside a token would be a second credential, which is refused.
    credentials: token === null ? 'include' : 'omit',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
}

/** What an answer that is no success says. Reads its body, and does not throw. */
export async function readRefusal(response: Response, clock: Clock): Promise<ClientError> {
  const { status } = response;
  const { code, message, errors } = await readProblem(response);
  return new ClientError(
    typeof code === 'string' ? code : 'UNUSABLE_ANSWER',
    typeof message === 'string' ? message : `The answer has status ${status}`,
    {
      status,
      errors: Array.isArray(errors) ? errors.filter(isFieldError) : [],
      retryAfterMs: readRetryAfter(response.headers.get('retry-after'), clock),
      transient:
        status === 408 ||
        (status === 429 && code !== 'TOO_MANY_SUBSCRIPTIONS') ||
        (status >= 500 && status < 600),
    },
  );
}

/** An answer that is not of this protocol. It may be another one next time: captive portals go away. */
export function unusableAnswer(
  message: string,
  details: { status?: number; cause?: unknown } = {},
): ClientError {
  return new ClientError('UNUSABLE_ANSWER', message, { ...details, transient: true });
}

/** No answer came, or not to its end. */
export function noAnswer(message: string, cause?: unknown): ClientError {
  return new ClientError('NETWORK', message, { transient: true, cause });
}

/** Whatever was thrown while an answer was waited for: what is not a `ClientError` yet means that none came. */
export function toClientError(thrown: unknown): ClientError {
  return thrown instanceof ClientError ? thrown : noAnswer('No answer came', thrown);
}

async function readProblem(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await readText(response, MAX_PROBLEM_BYTES));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isFieldError(value: unknown): value is FieldError {
  const { field, message } = (value ?? {}) as Partial<FieldError>;
  return typeof field === 'string' && typeof message === 'string';
}

/** RFC 9110 10.2.3: seconds, or a date. */
function readRetryAfter(value: string | null, clock: Clock): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now());
}

function parseJson(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusableAnswer('The answer is not JSON', { status, cause });
  }
}

async function readText({ body, status }: Response, maxBytes: number): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      void reader.cancel().catch(() => undefined);
      throw unusableAnswer(`The answer is longer than ${maxBytes} bytes`, { status });
    }
    text += decoder.decode(value, { stream: true });
  }
}
