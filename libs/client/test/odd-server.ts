import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { waitFor } from '@tidewire/test-kit';

/** A request, read to its end. */
export interface OddRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As JSON says it. */
  readonly body: unknown;
}

export interface OddServerOptions {
  readonly answer?: (request: OddRequest, response: ServerResponse) => void;
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** A server that answers as a test wants it to, however wrong that is. */
export class OddServer implements AsyncDisposable {
  readonly requests: OddRequest[] = [];
  /** Answers that were given up by the client, or ended. */
  closed = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ answer, upgrade }: OddServerOptions): Promise<OddServer> {
    const server = createServer();
    const odd = new OddServer(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      response.on('close', () => (odd.closed += 1));
      void readRequest(request).then((read) => {
        odd.requests.push(read);
        answer?.(read, response);
      });
    });
    server.on('connection', (socket) => {
      odd.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
    if (upgrade !== undefined) server.on('upgrade', upgrade);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return odd;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits for so many requests and returns them. */
  async until(count: number): Promise<readonly OddRequest[]> {
    await waitFor(() => this.requests.length >= count, { what: `${count} requests arrive` });
    return this.requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function readRequest(request: IncomingMessage): Promise<OddRequest> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://odd');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return {
    method: request.method ?? '',
    path: pathname,
    query: searchParams,
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** Answers with JSON. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Refuses as the platform does. */
export function answerProblem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answerJson(response, status, { status, code, message: `refused as ${code}`, success: false }, headers);
}
