import { inboxPrefix, isSlug } from '@tidewire/contract';
import { connect } from '@nats-io/transport-node';
import { BusLink } from './bus-link.ts';
import type { BusStatus } from './bus-link.ts';
import type { BusLogger } from './logger.ts';
import { gatherAnswers } from './gathering.ts';
import type { GatherOptions } from './gathering.ts';
import { respondOn, sendRequest } from './request-reply.ts';
import type { RequestOptions, Responder } from './request-reply.ts';
import type { Schema } from './schema.ts';
import { signalOn, subscribeSignal } from './signal.ts';

export interface BusOptions {
  /**
   * `nats://user:password@host:port`, several servers separated by commas; the first one's user counts. With `tls://`
   * nothing is told to a server that does not speak TLS with a certificate of an authority that this process trusts.
   */
  readonly url: string;
  /** The service's NATS user (`SERVICE_PERMISSIONS`): names the connection, and its inbox if the URL has no user. */
  readonly user: string;
  readonly logger: BusLogger;
  /** Told of every change, the first connection included. Must not throw. */
  readonly onStatus?: (status: BusStatus) => void;
  /** How long the first connection may take; it is retried until then. Default 30 s. */
  readonly connectTimeoutMs?: number;
}

/** The connection of a process to NATS. Reconnects for ever; nothing is queued while it is away. */
export interface MessageBus {
  readonly connected: boolean;
  /** Version and limits of the server that this connection has reached last. */
  readonly server: { readonly version: string; readonly maxPayload: number };
  /**
   * One question, one answer.
   *
   * @throws BusUnavailableError (`SERVICE_UNAVAILABLE`) when nobody answers in time, also at once when not connected
   *   or when the connection is lost while waiting.
   * @throws MalformedReplyError when the answer does not have the shape.
   */
  request<T>(subject: string, payload: unknown, replySchema: Schema<T>, options?: RequestOptions): Promise<T>;
  /**
   * One question, an answer of everybody who listens: those that came until the time was over, or until all that are
   * expected were there. What does not have the shape is dropped, so that its sender counts as one that did not answer.
   *
   * @throws BusUnavailableError when not connected, or when the connection is lost while waiting.
   */
  gather<T>(
    subject: string,
    payload: unknown,
    replySchema: Schema<T>,
    options: GatherOptions<T>,
  ): Promise<readonly T[]>;
  /**
   * Answers requests on a subject. What `handle` throws becomes `{ok: false, code, message}`; anything but a
   * `TidewireError` says nothing about itself. At most `concurrency` (64) at once, more are refused.
   */
  respond<Request>(subject: string, responder: Responder<Request>): () => Promise<void>;
  /** Sends and forgets. Dropped while not connected: a signal is worth nothing later. */
  signal(subject: string, payload?: unknown): void;
  /** Calls back with the payload of each signal, or undefined when it has none. Returns how to stop. */
  onSignal(subject: string, handler: (payload: unknown) => void): () => void;
  /** Further listeners of `BusOptions.onStatus`. Returns how to stop. */
  onStatus(listener: (status: BusStatus) => void): () => void;
  /** Stops taking requests, lets the running ones answer, then closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const links = new WeakMap<MessageBus, BusLink>();

/** The link behind a bus, for the other files of this package. */
export function linkOf(bus: MessageBus): BusLink {
  const link = links.get(bus);
  if (link === undefined) throw new TypeError('this bus was not opened by connectBus');
  return link;
}

/** Resolves when the bus is connected: now, or after the next reconnect. @throws when the signal aborts or it is closed. */
export async function untilConnected(bus: MessageBus, signal: AbortSignal): Promise<void> {
  await linkOf(bus).untilConnected(signal);
}

/**
 * Connects to NATS. Retries until the server is there or `connectTimeoutMs` is over; afterwards reconnects for ever,
 * refused credentials included (they may have been rotated).
 *
 * @throws when there is no server in time, or the URL is not one.
 */
export async function connectBus(options: BusOptions): Promise<MessageBus> {
  const { servers, user, password, secure } = parseUrl(options.url);
  const inbox = inboxPrefix(user !== undefined && isSlug(user) ? user : options.user);
  const connection = await connectWithin(options.connectTimeoutMs ?? 30_000, {
    servers,
    name: options.user,
    inboxPrefix: inbox,
    // Without it the client would go on in the clear when somebody in between says that there is no TLS.
    ...(secure ? { tls: {} } : {}),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    ignoreAuthErrorAbort: true,
    // A dead peer is noticed after two unanswered pings.
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 3000,
  });
  const link = new BusLink(connection, options.logger, inbox);
  if (options.onStatus !== undefined) link.onStatus(options.onStatus);
  const bus = createBus(link);
  links.set(bus, link);
  options.onStatus?.('connected');
  return bus;
}

function createBus(link: BusLink): MessageBus {
  const { connection } = link;
  const close = async (): Promise<void> => {
    if (!connection.isClosed()) await connection.close();
  };
  return {
    get connected() {
      return link.connected;
    },
    get server() {
      return {
        version: connection.info?.version ?? 'unknown',
        maxPayload: connection.info?.max_payload ?? 0,
      };
    },
    request: (subject, payload, replySchema, requestOptions) =>
      sendRequest(link, { subject, payload, replySchema, ...requestOptions }),
    gather: (subject, payload, replySchema, gatherOptions) =>
      gatherAnswers(link, { subject, payload, replySchema, ...gatherOptions }),
    respond: (subject, responder) => respondOn(link, subject, responder),
    signal: (subject, payload) => signalOn(link, subject, payload),
    onSignal: (subject, handler) => subscribeSignal(link, subject, handler),
    onStatus: (listener) => link.onStatus(listener),
    drain: async () => {
      if (link.connected) await connection.drain();
      else await close();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

type ConnectOptions = NonNullable<Parameters<typeof connect>[0]>;

async function connectWithin(limitMs: number, options: ConnectOptions): ReturnType<typeof connect> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      // connect() writes into its options: never hand out the same object twice.
      return await connect({ ...options });
    } catch (error) {
      if (performance.now() + 250 > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 100));
    }
  }
}

interface ServerAddress {
  readonly servers: string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Whether one of the servers was given as `tls://`. */
  readonly secure: boolean;
}

function parseUrl(text: string): ServerAddress {
  const urls = text
    .split(',')
    .map((part) => new URL(part.includes('://') ? part.trim() : `nats://${part.trim()}`));
  const [first] = urls;
  const text0 = (value: string | undefined): string | undefined =>
    value === undefined || value === '' ? undefined : decodeURIComponent(value);
  return {
    servers: urls.map((url) => `${url.protocol}//${url.host}`),
    user: text0(first?.username),
    password: text0(first?.password),
    secure: urls.some(({ protocol }) => protocol === 'tls:'),
  };
}
