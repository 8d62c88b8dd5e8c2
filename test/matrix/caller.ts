/** An answer as the matrix reads it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

/** Asks a process as somebody, without the way through the edge. */
export type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;

export function createCaller(base: string, token: string | undefined): Caller {
  return async (method, path, body) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
  };
}
