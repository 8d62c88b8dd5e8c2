import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { waitFor } from './wait-for.ts';

/** A message of the server, parsed. */
// eslint-disable-next-line typescript/no-explicit-any -- tests look into messages of every shape
export type SocketMessage = { readonly type: string } & Record<string, any>;

/** A client of one WebSocket that keeps everything it is sent. */
export class SocketClient implements Disposable {
  /** HTTP status of the answer: 101 when the connection was upgraded. */
  readonly status: number;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Body of a refusal. */
  readonly body: string;
  readonly messages: SocketMessage[] = [];
  pings = 0;
  /** Close code and reason; code 1006: the connection was cut. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly socket: WebSocket;

  private constructor(socket: WebSocket, answer: Pick<SocketClient, 'status' | 'headers' | 'body'>) {
    this.socket = socket;
    this.status = answer.status;
    this.headers = answer.headers;
    this.body = answer.body;
  }

  /** Resolves with the answer to the upgrade, whatever it is. `url` may be of `http:`. */
  static async open(
    url: string,
    options: ClientOptions & { readonly protocol?: string } = {},
  ): Promise<SocketClient> {
    const { promise, resolve, reject } = Promise.withResolvers<SocketClient>();
    const { protocol, ...rest } = options;
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol === undefined ? [] : [protocol], rest);
    // Messages may come in the same turn as the answer.
    const early: SocketMessage[] = [];
    let client: SocketClient | undefined;
    let headers: SocketClient['headers'] = {};
    socket.on('upgrade', (response) => (headers = response.headers));
    socket.on('open', () => {
      client = new SocketClient(socket, { status: 101, headers, body: '' });
      resolve(client);
    });
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve(
          new SocketClient(socket, { status: response.statusCode ?? 0, headers: response.headers, body }),
        ),
      );
    });
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as SocketMessage;
      (client?.messages ?? early).push(message);
    });
    socket.on('ping', () => {
      if (client !== undefined) client.pings += 1;
    });
    socket.on('close', (code, reason) => {
      if (client !== undefined) client.closed = { code, reason: reason.toString() };
    });
    socket.on('error', (error) => reject(error));
    const opened = await promise;
    opened.messages.unshift(...early);
    return opened;
  }

  /** Sends a message, or a text as it stands. */
  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The messages of a type so far. */
  of(type: string): readonly SocketMessage[] {
    return this.messages.filter((message) => message.type === type);
  }

  /** Waits for so many messages of a type and returns them. */
  async until(type: string, count = 1): Promise<readonly SocketMessage[]> {
    await waitFor(() => this.of(type).length >= count, {
      what: `${count} messages of type ${type} arrive`,
      timeoutMs: 10_000,
    });
    return this.of(type);
  }

  /** Waits for the end and says how it came. */
  async untilClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    return await waitFor(() => this.closed, { what: 'the socket is closed', timeoutMs: 10_000 });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
