import { TidewireError } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import {
  createClientAddress,
  createHttpServer,
  createLogger,
  createManualClock,
  createMetrics,
  listen,
} from '@tidewire/service-kit';
import type { HttpServer, ManualClock } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { isPushSocketRequest, registerSocketsRoute } from '../src/routes/sockets.ts';
import type { Login } from '../src/sockets/login-dialogue.ts';
import type { PushSocket } from '../src/sockets/push-socket.ts';
import { DEFAULT_PUSH_SOCKET_LIMITS, PushSockets } from '../src/sockets/push-sockets.ts';
import type { PushSocketsOptions } from '../src/sockets/push-sockets.ts';

/** A client of the socket that keeps everything it is sent. */
export class PushClient implements Disposable {
  readonly socket: WebSocket;
  readonly texts: string[] = [];
  readonly pings: Buffer[] = [];
  /** Close code; 1005: none was said, 1006: the connection was cut. */
  closed: number | undefined;
  #pongs = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.texts.push(data.toString()));
    socket.on('ping', (payload) => this.pings.push(payload));
    socket.on('pong', () => (this.#pongs += 1));
    socket.on('close', (code) => (this.closed = code));
    socket.on('error', () => undefined);
  }

  /** Sends the frames as soon as the socket is open, in one go. */
  static async open(
    url: string,
    frames: readonly (string | Buffer)[] = [],
    options: ClientOptions = {},
  ): Promise<PushClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), options);
    const client = new PushClient(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('open', () => {
      for (const frame of frames) socket.send(frame);
      resolve();
    });
    socket.once('unexpected-response', (_request, response) => reject(new Error(`${response.statusCode}`)));
    socket.once('error', reject);
    await promise;
    return client;
  }

  async until(count: number): Promise<readonly string[]> {
    await waitFor(() => this.texts.length >= count, { what: `${count} messages arrive` });
    return this.texts;
  }

  async untilClosed(): Promise<number> {
    return await waitFor(() => this.closed, { what: 'the socket is closed' });
  }

  /** Resolves when the server has read all that was sent until now, and what it had sent before it did so is here. */
  async roundTrip(): Promise<void> {
    const before = this.#pongs;
    this.socket.ping('round trip');
    await waitFor(() => this.#pongs > before, { what: 'the server answers a ping' });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** An admission whose releases are counted. */
export class TestAdmission implements Admission {
  readonly reader: Admission['reader'];
  readonly expiresAt = null;
  released = 0;

  constructor(principalId: string, credentialId = `credential-of-${principalId}`) {
    this.reader = { principalId, credentialId };
  }

  release(): void {
    this.released += 1;
  }
}

/** Sockets behind a server that listens. Whoever has the password `secret` is let in as who it says it is. */
export class TestSockets implements AsyncDisposable {
  readonly clock: ManualClock = createManualClock();
  readonly sockets: PushSockets;
  readonly admissions: TestAdmission[] = [];
  readonly logins: Login[] = [];
  readonly redeemed: string[] = [];
  readonly opened: PushSocket[] = [];
  readonly ended: PushSocket[] = [];
  readonly lines: string[] = [];
  /** Tokens, and whom they stand for. */
  readonly tokens = new Map<string, string>();
  /** Comes before an answer is given about anybody. */
  before: () => Promise<void> = async () => undefined;
  mayOpen: () => boolean = () => true;
  ready = true;
  readonly #app: HttpServer;
  #url = '';

  private constructor(change: Partial<PushSocketsOptions>) {
    const { clock } = this;
    const logger = createLogger({
      service: 'push-notifier',
      level: 'debug',
      destination: { write: (line) => void this.lines.push(line) },
    });
    this.sockets = new PushSockets({
      authenticate: (login) => this.#authenticate(login),
      redeem: (token) => this.#redeem(token),
      mayOpen: () => this.mayOpen(),
      onOpen: (socket) => void this.opened.push(socket),
      onClose: (socket) => void this.ended.push(socket),
      clock,
      random: () => 0.5,
      logger,
      limits: DEFAULT_PUSH_SOCKET_LIMITS,
      maxAgeMs: 0,
      ...change,
    });
    const metrics = createMetrics('push-notifier');
    const isStream = isPushSocketRequest;
    this.#app = createHttpServer({ logger, metrics, clock, ready: () => true, isStream });
    registerSocketsRoute(this.#app, {
      sockets: this.sockets,
      addressOf: createClientAddress('loopback'),
      requireReady: () => {
        if (!this.ready) throw new TidewireError('SERVICE_UNAVAILABLE', 'Not ready.');
      },
    });
  }

  static async start(change: Partial<PushSocketsOptions> = {}): Promise<TestSockets> {
    const test = new TestSockets(change);
    test.#url = await listen(test.#app, '127.0.0.1', 0);
    return test;
  }

  get url(): string {
    return `${this.#url}/push/ws`;
  }

  /** A client that sends these frames, whatever comes of it. */
  async client(frames: readonly (string | Buffer)[] = [], options: ClientOptions = {}): Promise<PushClient> {
    return await PushClient.open(this.url, frames, options);
  }

  /** A client that was let in, and its side of the server. */
  async login(user: string): Promise<{ client: PushClient; socket: PushSocket }> {
    const client = await this.client([user, 'secret']);
    await client.until(1);
    const socket = this.opened.at(-1);
    if (socket === undefined) throw new Error(`not let in: ${client.texts.join()}`);
    return { client, socket };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sockets.stop();
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }

  async #authenticate(login: Login): Promise<Admission> {
    this.logins.push(login);
    await this.before();
    if (login.password !== 'secret') throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    return this.#admit(login.user);
  }

  async #redeem(token: string): Promise<Admission | undefined> {
    this.redeemed.push(token);
    await this.before();
    const principal = this.tokens.get(token);
    this.tokens.delete(token);
    return principal === undefined ? undefined : this.#admit(principal);
  }

  #admit(principal: string): TestAdmission {
    const admission = new TestAdmission(principal);
    this.admissions.push(admission);
    return admission;
  }
}
