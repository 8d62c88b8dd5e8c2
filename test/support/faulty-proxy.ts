import { Agent, createServer, request as openRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * What becomes of a request.
 *
 * - `pass`: it goes through.
 * - `forbid`, `page`: it is answered with status 403, or 502, and a page of HTML.
 * - `swallow`: it is taken, and nothing comes.
 * - `collect`: the head of the answer goes through, and its body is kept back until it ends.
 * - `reset`: its connection is broken.
 */
export type Fate = 'pass' | 'forbid' | 'page' | 'swallow' | 'collect' | 'reset';

/** A file that the proxy serves itself. */
export interface ProxyFile {
  readonly type: string;
  readonly body: string;
}

/** Two ends that are joined, and how to part them without either of them noticing. */
interface Joint {
  readonly near: Duplex | ServerResponse;
  part(): void;
}

const PAGES: Partial<Record<Fate, readonly [number, string]>> = {
  forbid: [403, '<!doctype html><title>Blocked</title><p>Your network does not allow this.'],
  page: [502, '<!doctype html><title>Bad gateway</title><p>Something went wrong.'],
};

/** The network between a browser and a platform, with all that networks do to what they carry. */
export class FaultyProxy implements AsyncDisposable {
  /** What becomes of upgrades to WebSocket, of event streams, of long polls, and of everything else. */
  upgrades: Fate = 'pass';
  streams: Fate = 'pass';
  polls: Fate = 'pass';
  others: Fate = 'pass';
  /** Method and path with query of everything that was asked for, upgrades being `UPGRADE`. */
  readonly asked: string[] = [];
  readonly #upstream: URL;
  readonly #files: ReadonlyMap<string, ProxyFile>;
  readonly #server: Server;
  readonly #agent = new Agent();
  readonly #sockets = new Set<Socket>();
  readonly #joints = new Set<Joint>();

  private constructor(upstream: string, files: ReadonlyMap<string, ProxyFile>) {
    this.#upstream = new URL(upstream);
    this.#files = files;
    this.#server = createServer((request, response) => this.#request(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(upstream: string, files: ReadonlyMap<string, ProxyFile>): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(upstream, files);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many lists of records were asked for. */
  get lists(): number {
    return this.asked.filter((line) => /^GET \/api\/tables\/[^/]+\/records\?/.test(line)).length;
  }

  /** Everything that carries changes meets this fate from now on, and what is open is cut. */
  breakRealtime(fate: Fate): void {
    Object.assign(this, { upgrades: fate, streams: fate, polls: fate });
    this.cut();
  }

  /** What is asked from now on goes through. */
  mend(): void {
    Object.assign(this, { upgrades: 'pass', streams: 'pass', polls: 'pass', others: 'pass' });
  }

  /** Breaks every connection that is open. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Of what is open nothing comes through any more, either way, and nobody is told. */
  blackHole(): void {
    for (const joint of this.#joints) joint.part();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    this.cut();
    this.#agent.destroy();
    await closed;
  }

  #fateOf({ method, url = '' }: IncomingMessage): Fate {
    if (method === 'POST' && url.startsWith('/api/realtime/subscribe')) return this.streams;
    return url.startsWith('/api/realtime/poll') ? this.polls : this.others;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    const file = this.#files.get(url.split('?')[0] ?? '');
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': file.type });
      response.end(file.body);
      return;
    }
    this.asked.push(`${method} ${url}`);
    const fate = this.#fateOf(request);
    const page = PAGES[fate];
    if (page !== undefined) {
      request.resume();
      response.writeHead(page[0], { 'content-type': 'text/html' });
      response.end(page[1]);
    } else if (fate === 'reset') request.socket.destroy();
    else if (fate !== 'swallow') this.#forward(request, response, fate === 'collect');
  }

  #forward(request: IncomingMessage, response: ServerResponse, collect: boolean): void {
    const { hostname: host, port } = this.#upstream;
    const { method, url: path, headers } = request;
    const upstream = openRequest({ host, port, method, path, headers, agent: this.#agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      if (collect) {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('end', () => response.end(Buffer.concat(chunks)));
        return;
      }
      answer.pipe(response);
      const joint: Joint = {
        near: response,
        part: () => {
          answer.unpipe(response);
          answer.resume();
        },
      };
      this.#joints.add(joint);
      response.once('close', () => this.#joints.delete(joint));
    });
    upstream.on('error', () => response.destroy());
    response.once('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  #upgrade(request: IncomingMessage, near: Socket, head: Buffer): void {
    const { url = '', rawHeaders } = request;
    this.asked.push(`UPGRADE ${url}`);
    const page = PAGES[this.upgrades];
    if (page !== undefined) {
      const [status, body] = page;
      near.end(
        `HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    if (this.upgrades === 'reset') near.resetAndDestroy();
    if (this.upgrades !== 'pass') return;
    const far = connect(Number(this.#upstream.port), this.#upstream.hostname);
    const lines = rawHeaders.flatMap((name, place) =>
      place % 2 === 0 ? [`${name}: ${rawHeaders[place + 1]}`] : [],
    );
    far.write(`GET ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    this.#join(near, far);
  }

  #join(near: Socket, far: Socket): void {
    near.pipe(far);
    far.pipe(near);
    const closeNear = (): void => void near.destroy();
    far.on('error', () => undefined);
    far.once('close', closeNear);
    near.once('close', () => far.destroy());
    const joint: Joint = {
      near,
      part: () => {
        far.off('close', closeNear);
        near.unpipe(far);
        far.unpipe(near);
        // What comes is taken, so that nobody notices by a full buffer either.
        near.resume();
        far.resume();
      },
    };
    this.#joints.add(joint);
    near.once('close', () => this.#joints.delete(joint));
  }
}
