import type { ConnectionPage } from '@tidewire/contract';

/** A gateway, by its addresses. */
interface Addressed {
  url(path: string): string;
}

/** The answer to a request that is no stream. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies of every shape
  readonly body: any;
}

/** Sends a request with a token. */
export async function ask(
  gateway: Addressed,
  method: string,
  path: string,
  secret?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(gateway.url(path), {
    method,
    headers: { ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }), ...headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** The connections that match, as an administrator sees them. */
export async function listConnections(
  gateway: Addressed,
  admin: string,
  query: Record<string, string> = {},
): Promise<ConnectionPage> {
  const { status, body } = await ask(
    gateway,
    'GET',
    `/api/connections?${new URLSearchParams(query).toString()}`,
    admin,
  );
  if (status !== 200) throw new Error(`listed: ${status} ${JSON.stringify(body)}`);
  return body as ConnectionPage;
}
