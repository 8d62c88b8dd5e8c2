import { GRAPHQL_INIT_TIMEOUT_MS, operationIdSchema } from '@tidewire/contract';
import type { GraphqlOperation, TidewireError } from '@tidewire/contract';
import { parseJsonBody, toTidewireError } from '@tidewire/service-kit';
import { CloseCode, MessageType, validateMessage } from 'graphql-ws';
import type { ConnectionInitMessage, Message, SubscribeMessage } from 'graphql-ws';
import { SocketQueue } from '../transports/socket-queue.ts';
import type { SocketFlow } from '../transports/socket-queue.ts';
import type { SocketListener } from '../transports/socket-upgrade.ts';
import { SocketWatch } from '../transports/socket-watch.ts';
import type { SocketWatchParts } from '../transports/socket-watch.ts';
import type { EndCode } from '../transports/stream-keeper.ts';
import type { Stream } from '../transports/stream.ts';
import { graphqlCloseCode } from './close-code.ts';
import type { GraphqlSocketPeer } from './graphql-socket-peer.ts';
import { readInitCredential } from './init-credential.ts';
import { Operations } from './operations.ts';
import type { OperationsOptions } from './operations.ts';

export interface GraphqlSocketSessionOptions extends OperationsOptions {
  /**
   * Lets a connection in by a secret, or by none; undefined when the client has gone meanwhile.
   *
   * @throws TidewireError UNAUTHORIZED, TOO_MANY_CONNECTIONS, and what only concerns this moment.
   */
  readonly letIn: (
    peer: GraphqlSocketPeer,
    address: string,
    secret: string | undefined,
  ) => Promise<Stream | undefined>;
  /** Lets the connection live by another credential of its principal. @throws TidewireError UNAUTHORIZED, FORBIDDEN */
  readonly renew: (stream: Stream, token: string) => Promise<unknown>;
}

export interface GraphqlSocketSessionParts extends Omit<SocketWatchParts, 'peer'> {
  readonly peer: GraphqlSocketPeer;
  readonly flow: SocketFlow;
  /** The connection, where the request had a credential. */
  readonly host: Stream | undefined;
  readonly address: string;
  /** The cursor of operations that have none of their own. */
  readonly cursor: string | undefined;
  /** Gives back the place among those of whom nothing is known. */
  readonly known: () => void;
}

/**
 * What one client of graphql-ws says on its socket. What breaks the protocol closes the socket at once; what it asks for is
 * done one after another.
 */
export class GraphqlSocketSession implements SocketListener {
  readonly #options: GraphqlSocketSessionOptions;
  readonly #parts: GraphqlSocketSessionParts;
  readonly #queue: SocketQueue;
  readonly #watch: SocketWatch;
  readonly #openedAt: number;
  #initialised = false;
  #host: Stream | undefined;
  #operations: Operations | undefined;

  constructor(options: GraphqlSocketSessionOptions, parts: GraphqlSocketSessionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#openedAt = options.clock.monotonic();
    this.#queue = new SocketQueue(parts.flow);
    this.#watch = new SocketWatch(parts, this.#openedAt);
    this.#host = parts.host;
  }

  receive(text: string): void {
    const { peer } = this.#parts;
    const message = readMessage(text);
    // Who answers what it was asked has not begun to talk.
    const free = message?.type === MessageType.Pong && peer.answered();
    if (!this.heard(free ? 0 : 1)) return;
    switch (message?.type) {
      case MessageType.ConnectionInit:
        return this.#initialise(message);
      case MessageType.Ping:
        return peer.tell({ type: MessageType.Pong, ...(message.payload && { payload: message.payload }) });
      case MessageType.Pong:
        return;
      case MessageType.Subscribe:
        return this.#subscribe(message);
      case MessageType.Complete:
        return this.#queue.add(() => void this.#operations?.complete(message.id));
      default:
        return this.#close(CloseCode.BadRequest, 'Invalid message received');
    }
  }

  heard(cost: 0 | 1): boolean {
    if (!this.#parts.peer.open) return false;
    if (this.#watch.heard(this.#options.clock.monotonic(), cost)) return true;
    this.end('RATE_LIMITED');
    return false;
  }

  /** Looks after the connection, about once a second: is anybody there, and for anything. */
  look(now: number): void {
    if (!this.#initialised && now - this.#openedAt >= GRAPHQL_INIT_TIMEOUT_MS) {
      this.#close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
      return;
    }
    const end = this.#watch.look(now, (this.#operations?.size ?? 0) > 0);
    if (end !== undefined) this.end(end);
  }

  /** Ends the connection, whether or not it is known whose it is. */
  end(code: EndCode): void {
    if (this.#host === undefined) this.#parts.peer.end(code, code);
    else this.#options.keeper.end(this.#host, code);
  }

  /** Whether it is known whose it is. */
  get known(): boolean {
    return this.#host !== undefined;
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    this.#queue.clear();
    this.#parts.known();
    if (this.#host !== undefined) this.#options.keeper.drop(this.#host);
  }

  #initialise({ payload }: ConnectionInitMessage): void {
    if (this.#initialised) {
      this.#close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
      return;
    }
    this.#initialised = true;
    this.#queue.add(async () => {
      try {
        await this.#acknowledge(readInitCredential(payload ?? {}));
      } catch (error) {
        this.#refuseInit(toTidewireError(error));
      }
    });
  }

  async #acknowledge(secret: string | undefined): Promise<void> {
    const { letIn, renew } = this.#options;
    const { peer, address, cursor, known } = this.#parts;
    if (this.#host === undefined) this.#host = await letIn(peer, address, secret);
    else if (secret !== undefined) await renew(this.#host, secret);
    known();
    const host = this.#host;
    if (host === undefined || !peer.open) {
      // It closed while nobody could know of the connection.
      this.ended();
      return;
    }
    this.#operations = new Operations(this.#options, { host, peer, transport: 'graphql-ws', cursor });
    peer.operations = this.#operations;
    peer.tell({ type: MessageType.ConnectionAck, payload: { connectionId: host.id } });
  }

  /** Which credential is wrong, and how, is not said. */
  #refuseInit(error: TidewireError): void {
    this.#options.onRefusal(error.code);
    if (error.status >= 500 && error.code !== 'SERVICE_UNAVAILABLE') {
      this.#options.logger.error('connection_init failed', { error });
    }
    const code = error.retryAfterSeconds === undefined && error.status < 500 ? 'FORBIDDEN' : error.code;
    this.#close(graphqlCloseCode(code), error.code);
  }

  #subscribe({ id, payload }: SubscribeMessage): void {
    if (this.#operations === undefined) {
      this.#close(CloseCode.Unauthorized, 'Unauthorized');
      return;
    }
    if (!operationIdSchema.safeParse(id).success) {
      this.#close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    const operations = this.#operations;
    this.#queue.add(async () => {
      if (operations.has(id)) this.#close(CloseCode.SubscriberAlreadyExists, 'Subscriber already exists');
      else await this.#open(operations, id, payload);
    });
  }

  async #open(operations: Operations, id: string, operation: GraphqlOperation): Promise<void> {
    try {
      await operations.open(id, operation);
    } catch (error) {
      // An operation that is told an error does not come again: a connection that is closed does.
      this.#options.onRefusal(toTidewireError(error).code);
      this.end('SERVICE_UNAVAILABLE');
    }
  }

  #close(code: number, reason: string): void {
    this.#parts.peer.close(code, reason);
  }
}

/** Undefined for what is no message of the protocol. */
function readMessage(text: string): Message | undefined {
  try {
    return validateMessage(parseJsonBody(text));
  } catch {
    return undefined;
  }
}
