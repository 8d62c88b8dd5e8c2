import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { CheckFault } from './checkup.ts';
import { explainFailedUpgrade, explainRefusedUpgrade } from './upgrade-fault.ts';

/** Something that arrived. */
export interface Heard {
  readonly text: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** One push socket, as a client has it. Pings of the server are answered by the library. */
export class SocketProbe implements Disposable {
  readonly heard: Heard[] = [];
  /** What the server's pings said. */
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  #closed: string | undefined;
  readonly #socket: WebSocket;
  readonly #looks = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.heard.push({ text: data.toString(), at: performance.now() });
      this.#look();
    });
    socket.on('ping', (data: Buffer) => {
      this.pings.push(data);
      this.#look();
    });
    socket.on('pong', (data: Buffer) => {
      this.pongs.push(data);
      this.#look();
    });
    socket.on('close', (code: number, reason: Buffer) => {
      this.#closed = `closed the connection (${code}${reason.length === 0 ? '' : `: ${reason.toString()}`})`;
      this.#look();
    });
  }

  /** Resolves when the socket is open. @throws CheckFault */
  static async open(url: string, signal: AbortSignal): Promise<SocketProbe> {
    const { promise, resolve, reject } = Promise.withResolvers<SocketProbe>();
    const socket = new WebSocket(url, { perMessageDeflate: false, followRedirects: false });
    const probe = new SocketProbe(socket);
    const abort = (): void => socket.terminate();
    signal.addEventListener('abort', abort, { once: true });
    socket.on('open', () => resolve(probe));
    socket.on('unexpected-response', (_request, response) => {
      void readRefusal(response, url).then(reject);
    });
    socket.on('error', (error) => reject(explainFailedUpgrade(error, url)));
    try {
      return await promise;
    } catch (error) {
      socket.terminate();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  send(...texts: readonly string[]): void {
    for (const part of texts) this.#socket.send(part);
  }

  ping(data: Buffer): void {
    this.#socket.ping(data);
  }

  /**
   * Waits until `find` finds something; it is asked again whenever something arrives.
   *
   * @throws CheckFault when the connection is over before.
   */
  async until<Value>(find: () => Value | undefined, signal: AbortSignal): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const look = (): void => {
      const found = find();
      if (found !== undefined) resolve(found);
      else if (this.#closed !== undefined) reject(this.#gone());
      else if (signal.aborted) reject(new Error('aborted'));
    };
    this.#looks.add(look);
    signal.addEventListener('abort', look, { once: true });
    try {
      look();
      return await promise;
    } finally {
      this.#looks.delete(look);
      signal.removeEventListener('abort', look);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #look(): void {
    for (const look of this.#looks) look();
  }

  #gone(): CheckFault {
    return new CheckFault(
      `the other side ${this.#closed ?? 'is gone'}`,
      'Look into the logs of the push notifier, and of the proxy: it may end idle connections too soon.',
    );
  }
}

async function readRefusal(response: IncomingMessage, url: string): Promise<CheckFault> {
  const headers = new Headers();
  const { location } = response.headers;
  if (location !== undefined) headers.set('location', location);
  const body = await text(response).catch(() => '');
  const { pathname } = new URL(url);
  return explainRefusedUpgrade({ status: response.statusCode ?? 0, headers, text: body }, pathname);
}
