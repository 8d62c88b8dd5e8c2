import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '@tidewire/test-kit';

/** A request as it came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at whatever came
  readonly json: any;
}

/** What is answered; `never`: nothing at all. */
export type Reply =
  { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | 'never';

/** Somebody's server that takes webhooks. */
export class WebhookEndpoint implements AsyncDisposable {
  readonly received: Received[] = [];
  /** What is answered from now on. */
  reply: (request: Received) => Reply = () => ({ status: 204 });
  readonly #server: Server;
  readonly #waiting: ServerResponse[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<WebhookEndpoint> {
    const server = createServer();
    const endpoint = new WebhookEndpoint(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const { headers, url: path = '' } = request;
        endpoint.#take({ path, headers, body, json: JSON.parse(body.toString()) as unknown }, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return endpoint;
  }

  url(path = '/hook'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Requests to a path. */
  at(path: string): readonly Received[] {
    return this.received.filter((each) => each.path === path);
  }

  /** Waits for so many requests, and returns them. */
  async until(count: number, path = '/hook'): Promise<readonly Received[]> {
    await waitFor(() => this.at(path).length >= count, {
      what: `${count} requests at ${path}`,
      timeoutMs: 15_000,
    }).catch((cause: unknown) => {
      const seen = this.received.map(({ json }) => JSON.stringify(json).slice(0, 200));
      throw new Error(`received instead: ${seen.join('\n')}`, { cause });
    });
    return this.at(path);
  }

  /** Answers those at last that were not answered. */
  answerAll(status: number): void {
    for (const response of this.#waiting.splice(0)) response.writeHead(status).end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const response of this.#waiting) response.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(request: Received, response: ServerResponse): void {
    this.received.push(request);
    const reply = this.reply(request);
    if (reply === 'never') this.#waiting.push(response);
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  }
}

/** Checks a request as standardwebhooks.com describes it, with what a receiver has: the secret and the request. */
export function isSignedBy(secret: string, { headers, body }: Received): boolean {
  const key = Buffer.from(secret.split('_')[1] ?? '', 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body.toString('utf8')}`;
  const expected = createHmac('sha256', key).update(signed, 'utf8').digest('base64');
  return String(headers['webhook-signature'])
    .split(' ')
    .some((each) => each === `v1,${expected}`);
}

/** Checks the signature of the registers contract, as `hash_hmac('sha256', $body, $secret)` makes it. */
export function isBodySignedBy(secret: string, { headers, body }: Received): boolean {
  return headers['x-webhook-signature'] === createHmac('sha256', secret).update(body).digest('hex');
}
