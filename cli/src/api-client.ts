import { problemSchema } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';

/** A refusal by the server, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ErrorCode | undefined;

  constructor(status: number, code: ErrorCode | undefined, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

export interface ApiClient {
  readonly url: string;
  /**
   * Sends one request and returns the JSON of its answer (undefined for 204).
   *
   * @throws ApiError when the server refuses, after waiting out at most five answers of 429 or 503.
   */
  readonly send: (method: string, path: string, body?: unknown) => Promise<unknown>;
  /** The same with another token: what one demo person does. */
  readonly as: (token: string) => ApiClient;
}

const MAX_ATTEMPTS = 6;
const MAX_WAIT_MS = 5000;

/** A client of Tidewire's public REST API. */
export function createApiClient(options: { readonly url: string; readonly token: string }): ApiClient {
  const send = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      const response = await request(options, method, path, body);
      if (response.ok) return response.status === 204 ? undefined : await response.json();
      const waitable = response.status === 429 || response.status === 503;
      if (waitable && attempt < MAX_ATTEMPTS) {
        const seconds = Number(response.headers.get('retry-after') ?? '1');
        await response.body?.cancel();
        await new Promise((wake) => {
          setTimeout(wake, Math.min(MAX_WAIT_MS, Math.max(100, seconds * 1000)));
        });
        continue;
      }
      throw await refusal(response, `${method} ${path}`);
    }
  };
  return { url: options.url, send, as: (token) => createApiClient({ url: options.url, token }) };
}

async function request(
  options: { readonly url: string; readonly token: string },
  method: string,
  path: string,
  body: unknown,
): Promise<Response> {
  try {
    return await fetch(new URL(path, options.url), {
      method,
      headers: {
        authorization: `Bearer ${options.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new Error(`nothing answers at ${options.url}. Is Tidewire running? Start it with "npm start".`, {
      cause: error,
    });
  }
}

async function refusal(response: Response, what: string): Promise<ApiError> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) return new ApiError(response.status, undefined, `${what}: HTTP ${response.status}`);
  const details = (parsed.data.errors ?? []).slice(0, 5).map((error) => `${error.field}: ${error.message}`);
  return new ApiError(
    response.status,
    parsed.data.code,
    [`${what}: ${parsed.data.message}`, ...details].join('\n  '),
  );
}
