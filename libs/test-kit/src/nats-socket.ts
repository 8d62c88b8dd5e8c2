import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { NatsWireReader } from './nats-wire.ts';
import type { NatsSocketMessage, NatsWireEvent } from './nats-wire.ts';
import { waitFor } from './wait-for.ts';

export type { NatsSocketMessage } from './nats-wire.ts';

export interface NatsSocketOptions {
  readonly port: number;
  /** Who it says it is: any of these may be missing. */
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly jwt?: string;
  /** Certificate of the authority that the server's own has to be of; missing: no TLS. */
  readonly tls?: { readonly authority: string };
  /** What its inboxes begin with. Default `_INBOX`. */
  readonly inbox?: string;
}

/** What came on a subscription so far. */
export interface NatsSocketSubscription {
  /** As the connection knows it. */
  readonly id: string;
  readonly messages: readonly NatsSocketMessage[];
  /** Waits for so many messages and returns them. */
  until(count: number): Promise<readonly NatsSocketMessage[]>;
}

const TIMEOUT_MS = 5000;

/**
 * A client of NATS without any manners: it sends what it is told to, and keeps everything that the server answers. Tests
 * of what the server refuses need to see its own words.
 */
export class NatsSocket implements Disposable {
  /** What the server said about itself. */
  readonly info: Readonly<Record<string, unknown>>;
  /** What the server refused, in its words. */
  readonly refusals: string[] = [];
  /** Why the connection ended; undefined while it lasts. */
  ended: string | undefined;
  readonly #socket: Socket;
  readonly #inbox: string;
  readonly #handlers = new Map<string, (message: NatsSocketMessage) => void>();
  #pongs = 0;
  #pings = 0;
  #next = 0;

  private constructor(socket: Socket, info: Readonly<Record<string, unknown>>, inbox: string) {
    this.#socket = socket;
    this.info = info;
    this.#inbox = inbox;
  }

  /** @throws Error with the server's words when it refuses, or what the socket or TLS says. */
  static async connect(options: NatsSocketOptions): Promise<NatsSocket> {
    const plain = connectTcp(options.port, '127.0.0.1');
    const reader = new NatsWireReader();
    const { promise, resolve, reject } = Promise.withResolvers<NatsSocket>();
    let client: NatsSocket | undefined;
    const fail = (error: Error): void => {
      // What the server said before says more than how the connection broke.
      const reason = client?.refusals.at(-1) ?? error.message;
      if (client !== undefined) client.ended ??= reason;
      reject(new Error(reason));
    };
    const closed = (): void => fail(new Error('the server closed the connection'));
    const listen = (socket: Socket): void => {
      socket.on('data', (chunk: Buffer) => {
        for (const event of reader.read(chunk)) client?.take(event);
      });
      socket.on('error', fail);
      socket.on('close', closed);
    };
    const greet = (socket: Socket, info: Readonly<Record<string, unknown>>): void => {
      client = new NatsSocket(socket, info, options.inbox ?? '_INBOX');
      client.write(`CONNECT ${JSON.stringify(connectOptions(options))}\r\n`);
      client.flush().then(() => resolve(client as NatsSocket), fail);
      listen(socket);
    };
    plain.on('error', fail);
    plain.on('close', closed);
    plain.once('data', (chunk: Buffer) => {
      const [first] = reader.read(chunk);
      if (first?.kind !== 'info') return fail(new Error('this is no NATS server'));
      if (options.tls === undefined) return greet(plain, first.info);
      const secure = connectTls({ socket: plain, ca: options.tls.authority, servername: 'localhost' }, () =>
        greet(secure, first.info),
      );
      secure.on('error', fail);
    });
    return await promise;
  }

  /** Listens, with others of the queue group in turn if there is one. Whether the server lets it shows `refusals` after a flush. */
  subscribe(subject: string, queue = ''): NatsSocketSubscription {
    const messages: NatsSocketMessage[] = [];
    const id = this.#listen(subject, queue, (message) => messages.push(message));
    return {
      id,
      messages,
      until: async (count) => {
        await waitFor(() => messages.length >= count || this.ended !== undefined, {
          what: `${count} messages arrive on ${subject}`,
          timeoutMs: TIMEOUT_MS,
        });
        if (messages.length < count) throw new Error(`the connection ended: ${this.ended}`);
        return messages;
      },
    };
  }

  /** Listens and calls back at once, for who answers. */
  handle(subject: string, queue: string, handler: (message: NatsSocketMessage) => void): void {
    this.#listen(subject, queue, handler);
  }

  publish(subject: string, data: string | Buffer = '', reply = ''): void {
    const payload = Buffer.from(data);
    this.#socket.write(
      Buffer.concat([Buffer.from(`PUB ${subject} ${reply} ${payload.length}\r\n`), payload, CRLF]),
    );
  }

  /** The first answer to a request, in an inbox of its own. @throws when none comes in time. */
  async request(subject: string, data: string | Buffer = ''): Promise<NatsSocketMessage> {
    const inbox = `${this.#inbox}.${(this.#next += 1)}-${Math.random().toString(36).slice(2)}`;
    const answers = this.subscribe(inbox);
    // No longer than for one answer: subscriptions are bounded.
    this.write(`UNSUB ${answers.id} 1\r\n`);
    this.publish(subject, data, inbox);
    const [answer] = await answers.until(1);
    return answer as NatsSocketMessage;
  }

  /** Sends something as it stands. */
  write(text: string): void {
    this.#socket.write(text);
  }

  /** Resolves when the server has done with all that was sent before: refusals of it are there then. */
  async flush(): Promise<void> {
    const mine = (this.#pings += 1);
    this.write('PING\r\n');
    await waitFor(() => this.#pongs >= mine || this.ended !== undefined, {
      what: 'the server answers a ping',
      timeoutMs: 2 * TIMEOUT_MS,
    });
    if (this.#pongs < mine) throw new Error(this.ended);
  }

  /** Waits for the end of the connection and says why it came. */
  async untilEnded(): Promise<string> {
    return await waitFor(() => this.ended, { what: 'the server ends the connection', timeoutMs: TIMEOUT_MS });
  }

  /** For the socket alone. */
  take(event: NatsWireEvent): void {
    if (event.kind === 'ping') this.write('PONG\r\n');
    else if (event.kind === 'pong') this.#pongs += 1;
    else if (event.kind === 'refusal') this.refusals.push(event.reason);
    else if (event.kind === 'message') this.#handlers.get(event.subscription)?.(event.message);
  }

  #listen(subject: string, queue: string, handler: (message: NatsSocketMessage) => void): string {
    const id = String((this.#next += 1));
    this.#handlers.set(id, handler);
    this.write(`SUB ${subject} ${queue} ${id}\r\n`);
    return id;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

const CRLF = Buffer.from('\r\n');

function connectOptions({ user, password, token, jwt }: NatsSocketOptions): object {
  return {
    verbose: false,
    pedantic: false,
    headers: true,
    no_responders: true,
    echo: true,
    protocol: 1,
    lang: 'test',
    version: '0',
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { auth_token: token }),
    ...(jwt !== undefined && { jwt }),
  };
}
