import { FEED_CONTENT_TYPES, FEED_LIMITS, TidewireError, queueGroup } from '@tidewire/contract';
import type { ClientSubject, ErrorCode, SubscriberAddress } from '@tidewire/contract';
import type { ClientChannel, ClientMessage, ClientRequest } from './client-channel.ts';
import { answerDiscovery } from './client-discovery.ts';
import type { ClientServiceDescription } from './client-discovery.ts';
import { formatRefusal } from './client-refusal.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/** One kind of requests of subscribers. */
export interface ClientEndpoint<Request> {
  readonly kind: ClientSubject;
  /** Reads what was sent; an empty text, too. @throws TidewireError for anything that is no such request. */
  readonly parse: (text: string) => Request;
  /** The document that answers. NATS vouches for the address; what it may see is for the handler to find out. */
  readonly handle: (address: SubscriberAddress, request: Request) => Promise<unknown>;
}

/** One of any request, made by {@link clientEndpoint}. */
export interface AnyClientEndpoint {
  readonly kind: ClientSubject;
  readonly answer: (address: SubscriberAddress, text: string) => Promise<unknown>;
}

export interface ClientServiceOptions extends Omit<ClientServiceDescription, 'endpoints'> {
  readonly endpoints: readonly AnyClientEndpoint[];
  /** What the same process answers by other means: it is only told of. */
  readonly others?: ClientServiceDescription['endpoints'];
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** What a subscriber is told of whatever a handler throws. */
  readonly toError: (thrown: unknown) => TidewireError;
  /** Told of each request that was answered. Must not throw. */
  readonly onAnswered?: (kind: ClientSubject, outcome: 'ok' | ErrorCode) => void;
  /** Requests at once, of everybody and of one principal. */
  readonly limits?: { readonly total: number; readonly perPrincipal: number };
}

/** Each reads a database or a log that others need as well. */
const LIMITS = Object.freeze({ total: 32, perPrincipal: 8 });
/** Room for the headers of an answer, which count as its payload; bytes. */
const HEADERS_BYTES = 1024;

/** Ties what reads a request to the handler that takes what was read. */
export function clientEndpoint<Request>({ kind, parse, handle }: ClientEndpoint<Request>): AnyClientEndpoint {
  return { kind, answer: async (address, text) => await handle(address, parse(text)) };
}

/**
 * Answers requests of subscribers as a micro service of NATS. `bus` and `channel` are of the clients' account. Replicas share
 * the requests. Whatever cannot be answered is refused with a problem document; nothing is sent to an inbox that is not the
 * asker's own, which the channel sees to. Returns how to stop: no more is taken, what runs is still answered. A second time waits for the first.
 */
export function serveClients(
  bus: MessageBus,
  channel: ClientChannel,
  options: ClientServiceOptions,
): () => Promise<void> {
  const { name, version, description, endpoints, others = [], now } = options;
  const queue = queueGroup(name);
  const places = new Places(options.limits ?? LIMITS);
  const running = new Set<Promise<void>>();
  const stops = endpoints.map((endpoint) =>
    channel.onRequest({
      kind: endpoint.kind,
      queue,
      handle: (request) => {
        const answered = answer({ bus, channel, options, places }, endpoint, request);
        running.add(answered);
        void answered.finally(() => running.delete(answered));
      },
    }),
  );
  const own = endpoints.map(({ kind }) => ({ kind, queue }));
  const described = { name, version, description, endpoints: [...own, ...others] };
  const stopDiscovery = answerDiscovery(bus, described, now);
  const end = async (): Promise<void> => {
    stopDiscovery();
    // Without a connection nothing comes in, and the server is not there to say that nothing more will.
    if (bus.connected) await Promise.all(stops.map((stop) => stop()));
    await Promise.all(running);
  };
  let stopped: Promise<void> | undefined;
  return () => (stopped ??= end());
}

interface Answering {
  readonly bus: MessageBus;
  readonly channel: ClientChannel;
  readonly options: ClientServiceOptions;
  readonly places: Places;
}

/** Never throws: there is nobody who would hear of it. */
async function answer(
  { bus, channel, options, places }: Answering,
  endpoint: AnyClientEndpoint,
  { address, inbox, text }: ClientRequest,
): Promise<void> {
  const { toError, onAnswered } = options;
  const { kind } = endpoint;
  let message: ClientMessage;
  let outcome: 'ok' | ErrorCode = 'ok';
  try {
    message = await places.run(address.principal, async () => {
      requireBounded(text);
      return formatAnswer(await endpoint.answer(address, text), bus.server.maxPayload);
    });
  } catch (thrown) {
    const error = toError(thrown);
    if (error.status >= 500 && error.code !== 'SERVICE_UNAVAILABLE') {
      linkOf(bus).logger.error('request failed', { subject: kind, error: error.cause ?? error });
    }
    outcome = error.code;
    message = formatRefusal(error);
  }
  channel.send(inbox, message);
  onAnswered?.(kind, outcome);
}

/** @throws TidewireError PAYLOAD_TOO_LARGE: the server would end the whole connection for it. */
function formatAnswer(document: unknown, maxPayload: number): ClientMessage {
  const body = Buffer.from(JSON.stringify(document));
  if (body.length + HEADERS_BYTES <= maxPayload) return { contentType: FEED_CONTENT_TYPES.message, body };
  throw new TidewireError(
    'PAYLOAD_TOO_LARGE',
    'The answer is larger than a message may be: ask for fewer rows or fields.',
  );
}

function requireBounded(text: string): void {
  const { maxRequestBytes } = FEED_LIMITS;
  if (Buffer.byteLength(text) <= maxRequestBytes) return;
  throw new TidewireError('PAYLOAD_TOO_LARGE', `A request has at most ${maxRequestBytes} bytes.`);
}

/** Places of requests that run: whoever asks for many at once leaves some for the others. */
class Places {
  readonly #limits: { readonly total: number; readonly perPrincipal: number };
  readonly #byPrincipal = new Map<string, number>();
  #taken = 0;

  constructor(limits: { readonly total: number; readonly perPrincipal: number }) {
    this.#limits = limits;
  }

  /** @throws TidewireError RATE_LIMITED when the principal has too many, SERVICE_UNAVAILABLE when all together have. */
  async run<Result>(principal: string, work: () => Promise<Result>): Promise<Result> {
    const { total, perPrincipal } = this.#limits;
    const own = this.#byPrincipal.get(principal) ?? 0;
    if (own >= perPrincipal) {
      throw new TidewireError('RATE_LIMITED', `At most ${perPrincipal} requests are answered at once.`, {
        retryAfterSeconds: 1,
      });
    }
    if (this.#taken >= total) {
      throw new TidewireError('SERVICE_UNAVAILABLE', 'Too many requests at once.', { retryAfterSeconds: 1 });
    }
    this.#taken += 1;
    this.#byPrincipal.set(principal, own + 1);
    try {
      return await work();
    } finally {
      this.#taken -= 1;
      const left = (this.#byPrincipal.get(principal) ?? 1) - 1;
      if (left === 0) this.#byPrincipal.delete(principal);
      else this.#byPrincipal.set(principal, left);
    }
  }
}
