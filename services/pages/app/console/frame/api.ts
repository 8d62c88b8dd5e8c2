import { ClientError } from '@tidewire/client';
import type { FieldError } from '@tidewire/client';

export interface ApiRequest {
  readonly method?: 'GET' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** An answer other than 2xx whose body is wanted all the same. */
  readonly alsoStatus?: number;
}

/** What the origin says of itself may take its time; anything longer than this is no answer. Milliseconds. */
const TIMEOUT_MS = 30_000;

/**
 * One request of the public API, with the session of the browser. `undefined` for an answer without a body.
 *
 * @throws ClientError in the API's words; `NETWORK` when no whole answer came. An aborted signal throws what it was aborted with.
 */
export async function callApi<Answer>(path: string, request: ApiRequest): Promise<Answer> {
  const { method = 'GET', body, signal, alsoStatus } = request;
  try {
    const response = await fetch(path, {
      method,
      cache: 'no-store',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (!response.ok && response.status !== alsoStatus) throw await refusalOf(response);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  } catch (error) {
    if (signal.aborted || error instanceof ClientError) throw error;
    throw new ClientError('NETWORK', 'No answer came from the server.', { transient: true, cause: error });
  }
}

async function refusalOf(response: Response): Promise<ClientError> {
  const { status } = response;
  const said: unknown = await response.json().catch(() => undefined);
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  return toRefusal(status, said, Number.isFinite(retryAfterS) ? retryAfterS * 1000 : undefined);
}

/** What an answer that is no success says, in its own words where it has some. */
export function toRefusal(status: number, said: unknown, retryAfterMs?: number): ClientError {
  const { code, message, errors } = (said ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly errors?: unknown;
  };
  if (typeof code !== 'string' || typeof message !== 'string') {
    return new ClientError(
      'UNUSABLE_ANSWER',
      `The server answered ${status}, and nothing that can be read.`,
      {
        status,
        retryAfterMs,
      },
    );
  }
  const fields = Array.isArray(errors) ? errors.filter(isFieldError) : [];
  return new ClientError(code, message, { status, errors: fields, retryAfterMs });
}

function isFieldError(value: unknown): value is FieldError {
  const { field, message } = (value ?? {}) as Partial<FieldError>;
  return typeof field === 'string' && typeof message === 'string';
}

/** A path with those parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
