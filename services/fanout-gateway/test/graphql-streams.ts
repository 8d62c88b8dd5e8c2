import { GRAPHQL_PATHS, GRAPHQL_STREAM_TOKEN_HEADER } from '@tidewire/contract';
import { createClient } from 'graphql-sse';
import type { Client, ClientOptions } from 'graphql-sse';
import { onTestFinished } from 'vitest';
import { GraphqlRecording } from './graphql-recording.ts';
import { SseClient } from './sse-client.ts';
import type { TestGateway } from './world.ts';

type Headers = Record<string, string>;

/** The answer to one request of the single connection mode. */
export interface StreamAnswer {
  readonly status: number;
  readonly text: string;
  /** Code of a refusal. */
  readonly code: string | undefined;
}

/**
 * The official client in its single connection mode, behind a balancer that sends each of its requests to the next gateway.
 * It comes back at once, so that no test waits.
 */
export function connectOverSse(
  gateways: () => readonly TestGateway[],
  secret: string,
  options: Partial<ClientOptions<true>> = {},
): Client<true> & { readonly requests: readonly string[] } {
  const requests: string[] = [];
  const client = createClient({
    singleConnection: true,
    url: GRAPHQL_PATHS.stream,
    headers: { authorization: `Bearer ${secret}` },
    retry: async () => undefined,
    fetchFn: (path: string, init: RequestInit) => {
      const all = gateways();
      requests.push(init.method ?? 'GET');
      return fetch(all[requests.length % all.length]?.url(path) ?? path, init);
    },
    ...options,
  });
  onTestFinished(() => client.dispose());
  return Object.assign(client, { requests });
}

/** Subscribes; an operation has begun when its request was answered, which `until` tells. */
export function subscribeOverSse(
  client: Client<true>,
  query: string,
  extensions: Record<string, unknown> = {},
): GraphqlRecording {
  const recording = new GraphqlRecording();
  recording.dispose = client.subscribe({ query, extensions }, recording.sink);
  return recording;
}

/** Requests of the single connection mode as a test writes them itself. */
export class StreamRequests {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Reserves a stream. */
  async put(at: TestGateway, headers: Headers = {}): Promise<StreamAnswer> {
    return await this.#send(at, 'PUT', '', headers);
  }

  async open(at: TestGateway, token: string, headers: Headers = {}): Promise<SseClient> {
    const stream = await SseClient.open(at.url(GRAPHQL_PATHS.stream), {
      authorization: `Bearer ${this.#secret}`,
      [GRAPHQL_STREAM_TOKEN_HEADER]: token,
      ...headers,
    });
    onTestFinished(() => stream[Symbol.dispose]());
    return stream;
  }

  async post(at: TestGateway, token: string, body: object): Promise<StreamAnswer> {
    const headers = { [GRAPHQL_STREAM_TOKEN_HEADER]: token, 'content-type': 'application/json' };
    return await this.#send(at, 'POST', '', headers, JSON.stringify(body));
  }

  async delete(at: TestGateway, token: string, operationId: string): Promise<StreamAnswer> {
    const query = `?operationId=${encodeURIComponent(operationId)}`;
    return await this.#send(at, 'DELETE', query, { [GRAPHQL_STREAM_TOKEN_HEADER]: token });
  }

  async #send(
    at: TestGateway,
    method: string,
    query: string,
    headers: Headers,
    body?: string,
  ): Promise<StreamAnswer> {
    const response = await fetch(at.url(`${GRAPHQL_PATHS.stream}${query}`), {
      method,
      headers: { authorization: `Bearer ${this.#secret}`, ...headers },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    const isProblem = response.headers.get('content-type')?.includes('json') === true;
    const code = isProblem ? (JSON.parse(text) as { code: string }).code : undefined;
    return { status: response.status, text, code };
  }
}

/** The body of a request that begins an operation. */
export const operation = (operationId: string, query: string, extensions: object = {}): object => ({
  query,
  extensions: { ...extensions, operationId },
});
