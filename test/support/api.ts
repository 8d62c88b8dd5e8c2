import { problemSchema } from '@tidewire/contract';

/** One principal's view of the REST API. */
export interface Api {
  /** Sends a request and gives status and body, whatever they are. */
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
  /** Sends a request and gives the body. Throws when it is refused. */
  readonly send: <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<T>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** The API of `base` as whoever holds the token; without a token, as nobody. */
export function createApi(base: string, token?: string): Api {
  const ask: Api['ask'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
  const send: Api['send'] = async (method, path, body) => {
    const answer = await ask(method, path, body);
    if (answer.status < 300) return answer.body as never;
    const problem = problemSchema.safeParse(answer.body);
    throw new Error(`${method} ${path}: ${answer.status} ${problem.success ? problem.data.message : ''}`);
  };
  return { ask, send };
}
