import { randomBytes } from 'node:crypto';
import {
  GRAPHQL_RESERVATION_MS,
  TidewireError,
  formatGraphqlStreamSubject,
  graphqlStreamReplySchema,
  graphqlStreamRequestSchema,
  graphqlStreamTokenSchema,
} from '@tidewire/contract';
import type { GraphqlReservation, GraphqlStreamRequest } from '@tidewire/contract';
import type { MessageBus, ReservationStore, StoredReservation } from '@tidewire/messaging';
import type { Reader } from '@tidewire/rights';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import type { Slot } from '../limits/connection-slots.ts';
import { KeyedPlaces } from '../limits/keyed-places.ts';
import { BareStreams } from '../transports/bare-streams.ts';
import type { SsePlace } from '../transports/sse-streams.ts';
import type { Stream } from '../transports/stream.ts';
import { GraphqlStreamPeer } from './graphql-stream-peer.ts';
import { Operations } from './operations.ts';
import type { OperationsOptions } from './operations.ts';

export interface GraphqlStreamsOptions extends OperationsOptions {
  readonly bus: MessageBus;
  readonly store: ReservationStore;
  /** This gateway's name among all. */
  readonly instance: string;
  /** How long a stream lives at most. */
  readonly maxAgeMs: number;
}

/** A stream that this gateway has. */
interface OwnStream {
  readonly principal: string | null;
  readonly host: Stream;
  readonly peer: GraphqlStreamPeer;
  readonly operations: Operations;
}

const TOKEN_BYTES = 24;
/** Reservations that are not older than they may get: a client makes one for each stream that it opens. */
const MOST_RESERVED = Object.freeze({ total: 10_000, perKey: 100 });
/** A stream that ends takes its reservation with it; one whose gateway died leaves it behind for so long. */
const LEFT_BEHIND_MS = 60_000;
const PATIENCE_MS = 2000;

/**
 * Streams of Server-Sent Events that several operations share, of all gateways: GraphQL over SSE in its single connection mode.
 * A client reserves a stream, opens it once, and sends its operations in requests of their own; each of these may reach
 * another gateway. A stream is its principal's: for everybody else there is none.
 */
export class GraphqlStreams {
  readonly #options: GraphqlStreamsOptions;
  readonly #own = new Map<string, OwnStream>();
  readonly #bare: BareStreams;
  readonly #reserved = new KeyedPlaces(MOST_RESERVED);
  #stopAnswering: () => Promise<void> = async () => undefined;
  #offStatus: () => void = () => undefined;

  constructor(options: GraphqlStreamsOptions) {
    this.#options = options;
    this.#bare = new BareStreams(options.clock);
  }

  /** Takes operations that other gateways pass on. */
  start(): void {
    const { bus, store, instance } = this.#options;
    void this.#quietly(() => store.ensure());
    this.#offStatus = bus.onStatus((status) => {
      if (status === 'reconnected') void this.#quietly(() => this.#writeAll());
    });
    this.#stopAnswering = bus.respond(formatGraphqlStreamSubject(instance), {
      requestSchema: graphqlStreamRequestSchema,
      handle: async (request) => {
        await this.#act(request);
        return { ok: true };
      },
    });
  }

  async stop(): Promise<void> {
    this.#offStatus();
    this.#bare.stop();
    await this.#quietly(this.#stopAnswering);
  }

  /**
   * Reserves a stream and returns its token: a new one, whatever stream the client had before. `address`: where the request
   * came from.
   *
   * @throws TidewireError TOO_MANY_CONNECTIONS, SERVICE_UNAVAILABLE.
   */
  async reserve({ principalId }: Reader, address: string): Promise<string> {
    const { clock, store } = this.#options;
    // No principal is called like an address with a space in front.
    const leave = this.#reserved.take(principalId ?? ` ${address}`);
    if (leave === undefined) {
      const message = 'Too many streams are reserved and not opened';
      throw new TidewireError('TOO_MANY_CONNECTIONS', message, { retryAfterSeconds: 5 });
    }
    clock.setTimeout(leave, GRAPHQL_RESERVATION_MS);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const reservation = { principal: principalId, gateway: null };
    try {
      await store.put(token, reservation, GRAPHQL_RESERVATION_MS);
    } catch {
      // Perhaps NATS has lost the bucket.
      await store.ensure();
      await store.put(token, reservation, GRAPHQL_RESERVATION_MS);
    }
    return token;
  }

  /**
   * Opens a reserved stream. Owns the admission.
   *
   * @throws TidewireError before anything was sent: NOT_FOUND for what is not reserved, or not for this principal; CONFLICT
   * for what was opened before; TOO_MANY_CONNECTIONS, and what {@link StreamOpener.openHost} throws.
   */
  async open(place: SsePlace, token: string): Promise<void> {
    const { slots } = this.#options;
    const { principalId } = place.admission.reader;
    const found = await this.#find(token, principalId);
    if (found === undefined) throw notFound();
    if (found.reservation.gateway !== null) throw openAlready();
    const slot = await slots.take(principalId ?? ANONYMOUS_PRINCIPAL);
    try {
      await this.#claim(token, found);
      this.#begin(place, token, slot);
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /**
   * Takes an operation for a stream, wherever that is. What is wrong with the operation is said in the stream.
   *
   * @throws TidewireError NOT_FOUND where this principal has no open stream of that token, CONFLICT when the id is another
   * operation's, SERVICE_UNAVAILABLE.
   */
  async subscribe(request: Extract<GraphqlStreamRequest, { action: 'subscribe' }>): Promise<void> {
    await this.#pass(request);
  }

  /** Ends an operation, if there is one of that id. @throws TidewireError NOT_FOUND, SERVICE_UNAVAILABLE */
  async complete(request: Extract<GraphqlStreamRequest, { action: 'complete' }>): Promise<void> {
    await this.#pass(request);
  }

  async #find(token: string, principal: string | null): Promise<StoredReservation | undefined> {
    if (!graphqlStreamTokenSchema.safeParse(token).success) return undefined;
    const found = await this.#options.store.read(token);
    return found?.reservation.principal === principal ? found : undefined;
  }

  /** Of several that open one reservation at once exactly one gets it. */
  async #claim(token: string, { reservation, revision }: StoredReservation): Promise<void> {
    const { store, instance } = this.#options;
    const next = { reservation: { ...reservation, gateway: instance }, revision };
    if (!(await store.replace(token, next, this.#lifeMs()))) throw openAlready();
  }

  #begin(place: SsePlace, token: string, slot: Slot): void {
    const { opener, keeper } = this.#options;
    const { admission, address, correlationId, response } = place;
    const peer = GraphqlStreamPeer.create(response);
    if (peer === undefined) {
      slot.release();
      admission.release();
      this.#forget(token);
      return;
    }
    const side = {
      transport: 'graphql-sse',
      wire: 'graphql-lines',
      tick: 0,
      subscription: '',
      sink: peer,
    } as const;
    let host: Stream;
    try {
      host = opener.openHost({ admission, address }, side, slot);
    } catch (error) {
      this.#forget(token);
      throw error;
    }
    const parts = { host, peer, transport: 'graphql-sse', cursor: undefined } as const;
    const operations = new Operations(this.#options, parts);
    peer.operations = operations;
    this.#own.set(token, { principal: host.reader.principalId, host, peer, operations });
    const bare = { peer, onAlive: () => undefined };
    this.#bare.add(bare);
    const opening = {
      connectionId: host.id,
      correlationId,
      about: 'graphql',
      position: undefined,
      retryMs: keeper.retryMs(),
    };
    const forget = (): void => {
      if (this.#own.delete(token)) this.#forget(token);
    };
    peer.onEnd = forget;
    peer.begin(response, opening, () => {
      this.#bare.remove(bare);
      forget();
      keeper.drop(host);
    });
  }

  /** Does what is asked where the stream is. */
  async #pass(request: GraphqlStreamRequest): Promise<void> {
    const { bus, instance } = this.#options;
    if (this.#own.has(request.stream)) {
      await this.#act(request);
      return;
    }
    const gateway = (await this.#find(request.stream, request.principal))?.reservation.gateway;
    if (gateway === undefined || gateway === null || gateway === instance) throw notFound();
    const reply = await bus.request(formatGraphqlStreamSubject(gateway), request, graphqlStreamReplySchema, {
      timeoutMs: PATIENCE_MS,
    });
    if (!reply.ok) throw new TidewireError(reply.code, reply.message, { errors: reply.errors ?? [] });
  }

  async #act(request: GraphqlStreamRequest): Promise<void> {
    const own = this.#own.get(request.stream);
    if (own === undefined || own.principal !== request.principal || own.host.ended) throw notFound();
    const { operations, peer } = own;
    if (request.action === 'complete') {
      if (operations.complete(request.operationId)) peer.complete(request.operationId);
      return;
    }
    if (operations.has(request.operationId)) {
      throw new TidewireError('CONFLICT', 'There is an operation of that id; give another operationId');
    }
    await operations.open(request.operationId, request.operation);
  }

  /** NATS may have lost what it was told of the streams that are open here. */
  async #writeAll(): Promise<void> {
    const { store, instance } = this.#options;
    await store.ensure();
    for (const [token, { principal }] of this.#own) {
      const reservation: GraphqlReservation = { principal, gateway: instance };
      await store.put(token, reservation, this.#lifeMs());
    }
  }

  #lifeMs(): number {
    return this.#options.maxAgeMs + LEFT_BEHIND_MS;
  }

  #forget(token: string): void {
    void this.#quietly(() => this.#options.store.remove(token));
  }

  /** For what is done again anyway, or ends by itself. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.warn('reservations of streams could not be written', { error });
    }
  }
}

/** In one text, so that nobody learns of another one's streams. */
function notFound(): TidewireError {
  return new TidewireError('NOT_FOUND', 'There is no such stream');
}

function openAlready(): TidewireError {
  return new TidewireError('CONFLICT', 'The stream is open already');
}
