import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';
import type { ClientMessage, ERROR_CODES, SOCKET_PROTOCOL } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import { noAnswer, toClientError } from '../http/http.ts';
import type { Runtime, SocketLike } from '../runtime.ts';
import { GuardedListener } from './guarded-listener.ts';
import { parseMessage } from './message.ts';
import { probe } from './probe.ts';
import { SILENCE_MS } from './transport.ts';
import type {
  Handshake,
  TransportConnection,
  TransportEnd,
  TransportFactory,
  TransportListener,
  TransportOrder,
} from './transport.ts';

// Types say what this is, and the codes below: beside their values in the contract there is much that pages do without.
const PROTOCOL: typeof SOCKET_PROTOCOL = 'tidewire.v1';
/** How long the upgrade may take. A network that swallows it does so without a word. Milliseconds. */
const CONNECT_MS = 5000;

/** What `close` of a browser's WebSocket tells. */
interface Closing {
  readonly code: number;
  readonly reason: string;
}

type Handlers = Pick<SocketLike, 'onopen' | 'onmessage' | 'onclose' | 'onerror'>;

/** One WebSocket for everything: PROTOCOL.md section 5. */
export const createWebSocketTransport: TransportFactory = (runtime) =>
  runtime.WebSocket === undefined
    ? undefined
    : {
        name: 'websocket',
        silenceMs: SILENCE_MS.websocket,
        open: (order, listener) => new SocketConnection(runtime, order, listener),
      };

class SocketConnection implements TransportConnection {
  readonly speaks = true;
  readonly #runtime: Runtime;
  readonly #order: TransportOrder;
  readonly #listener: GuardedListener;
  readonly #abort = new AbortController();
  readonly #cancelDeadline: () => void;
  #socket: SocketLike | undefined;
  #open = false;

  constructor(runtime: Runtime, order: TransportOrder, listener: TransportListener) {
    this.#runtime = runtime;
    this.#order = order;
    this.#listener = new GuardedListener(listener);
    this.#cancelDeadline = runtime.clock.setTimeout(
      () => this.#end(lost('The WebSocket was not opened in time')),
      CONNECT_MS,
    );
    this.#connect();
  }

  add(handshake: Handshake): void {
    this.#send(handshake);
  }

  remove(subscriptionId: string): void {
    this.#send({ type: 'unsubscribe', subscriptionId });
  }

  say(message: ClientMessage): void {
    this.#send(message);
  }

  renew(token: string | null): void {
    if (token !== null) this.#send({ type: 'token', token });
  }

  ping(): void {
    this.#send({ type: 'ping' });
  }

  close(): void {
    this.#listener.close();
    this.#release();
  }

  #connect(): void {
    const { WebSocket } = this.#runtime;
    if (WebSocket === undefined) return;
    try {
      this.#socket = new WebSocket(addressOf(this.#order), PROTOCOL);
    } catch (error) {
      // A page that may not: mixed content, a policy.
      queueMicrotask(() => this.#end({ kind: 'lost', error: toClientError(error) }));
      return;
    }
    Object.assign(this.#socket, {
      onopen: () => this.#opened(),
      onmessage: ({ data }: { readonly data: unknown }) => this.#receive(data),
      onclose: (closing: Closing) => {
        if (this.#open) this.#end(endOf(closing));
        else void this.#explain();
      },
      // What went wrong is never told; that it is over, is. An error that nobody takes would end a process.
      onerror: ignore,
    } satisfies Handlers);
  }

  #opened(): void {
    this.#cancelDeadline();
    this.#open = true;
    for (const handshake of this.#order.subscriptions()) this.#send(handshake);
    this.#listener.opened();
  }

  #receive(data: unknown): void {
    if (typeof data !== 'string') return;
    try {
      const message = parseMessage(data);
      if (message === undefined) this.#listener.heard();
      else this.#listener.message(message);
    } catch (error) {
      this.#end({ kind: 'lost', error: toClientError(error) });
    }
  }

  /** Why an upgrade was refused is not told to pages: whether it is for the credential's sake, another request tells. */
  async #explain(): Promise<void> {
    this.#cancelDeadline();
    const end = await probe(this.#runtime, this.#order, this.#abort.signal);
    this.#end(end ?? lost('The WebSocket was not accepted'));
  }

  #send(message: ClientMessage): void {
    if (this.#open && !this.#listener.over) this.#socket?.send(JSON.stringify(message));
  }

  #end(end: TransportEnd): void {
    this.#release();
    this.#listener.ended(end);
  }

  #release(): void {
    this.#cancelDeadline();
    this.#abort.abort();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    // Giving up what is not open yet is an error to some.
    Object.assign(socket, {
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: ignore,
    } satisfies Handlers);
    socket.close();
  }
}

function ignore(): void {}

/** Browsers set no headers here: the token is in the address. */
function addressOf({ url, token }: TransportOrder): string {
  const address = `${url.replace(/^http/, 'ws')}/api/realtime/subscribe`;
  return token === null ? address : `${address}?token=${encodeURIComponent(token)}`;
}

function lost(message: string): TransportEnd {
  return { kind: 'lost', error: noAnswer(message) };
}

/** PROTOCOL.md 5.4 and section 9: the code says what to do, also one that nobody knew when this was written. */
function endOf({ code, reason }: Closing): TransportEnd {
  const kind = KINDS.get(code) ?? (code >= 4500 && code <= 4999 ? 'refused' : 'lost');
  const name = code >= 4000 && /^[A-Z_]+$/.test(reason) ? reason : 'NETWORK';
  const error = new ClientError(name, `The WebSocket was closed with ${code}`, {
    transient: kind === 'lost',
  });
  if (code !== TOO_MANY) return { kind, error };
  // Others have to go first, which takes them a while.
  return { kind: 'lost', error, retryAfterMs: REALTIME_TRANSPORT_CONFIG.maxReconnectDelayMs };
}

const TOO_MANY: (typeof ERROR_CODES)['TOO_MANY_CONNECTIONS']['close'] = 4529;
const UNAUTHORIZED: (typeof ERROR_CODES)['UNAUTHORIZED']['close'] = 4501;
const CREDENTIAL_ENDED: (typeof ERROR_CODES)['CREDENTIAL_ENDED']['close'] = 4502;
const IDLE: (typeof ERROR_CODES)['CONNECTION_IDLE']['close'] = 4508;

/** Where the range of the code does not say it. */
const KINDS: ReadonlyMap<number, TransportEnd['kind']> = new Map([
  // Another credential may count.
  [UNAUTHORIZED, 'unauthorized'],
  [CREDENTIAL_ENDED, 'unauthorized'],
  // Nothing was subscribed to for long; something may be by now.
  [IDLE, 'lost'],
  // The same request may succeed when others have gone.
  [TOO_MANY, 'lost'],
]);
