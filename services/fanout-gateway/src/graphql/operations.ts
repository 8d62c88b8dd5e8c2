import { TidewireError, errorCodeRow, formatEventId, formatTimestamp } from '@tidewire/contract';
import type { ErrorCode, GraphqlOperation, Transport } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import { toTidewireError } from '@tidewire/service-kit';
import type { ReadOperation } from '../rights/read-operation.ts';
import { startStream } from '../transports/catch-up.ts';
import type { Wanted } from '../transports/stream-opener.ts';
import type { Stream } from '../transports/stream.ts';
import type { TransportOptions } from '../transports/transport-options.ts';
import { OperationLane } from './operation-lane.ts';
import type { OperationPeer } from './operation-peer.ts';
import { cursorIn, toEntry } from './operation.ts';

export interface OperationsOptions extends TransportOptions {
  /** Operations of one connection. */
  readonly maxSubscriptions: number;
  /** Reads an operation for whoever asks. */
  readonly readOperation: (reader: Reader, operation: GraphqlOperation) => ReadOperation;
  /** Told of every refused operation, for metrics. */
  readonly onRefusal: (code: ErrorCode) => void;
}

export interface OperationsParts {
  readonly host: Stream;
  readonly peer: OperationPeer;
  readonly transport: Transport;
  /** The cursor of operations that have none of their own. */
  readonly cursor: string | undefined;
}

/** The operations of one connection, by the ids that its client gave them. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #parts: OperationsParts;
  readonly #lanes = new Map<string, OperationLane>();

  constructor(options: OperationsOptions, parts: OperationsParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Those that are being begun count. */
  get size(): number {
    return this.#lanes.size;
  }

  has(id: string): boolean {
    return this.#lanes.has(id);
  }

  /**
   * Subscribes, and brings what was missed. What is wrong with the operation is told to it, and was all that it is told.
   *
   * @throws TidewireError what is only temporary, and no fault of the operation.
   */
  async open(id: string, operation: GraphqlOperation): Promise<void> {
    const { maxSubscriptions, readOperation, onRefusal } = this.#options;
    const { host, peer } = this.#parts;
    if (this.size >= maxSubscriptions) {
      const message = `A connection has at most ${maxSubscriptions} operations`;
      this.#refuse(id, new TidewireError('TOO_MANY_SUBSCRIPTIONS', message));
      return;
    }
    const read = readOperation(host.reader, operation);
    if (!read.ok) {
      onRefusal('BAD_REQUEST');
      peer.refuse(id, read.errors.map(toEntry));
      return;
    }
    const lane = new OperationLane(peer, id, this.#forget);
    this.#lanes.set(id, lane);
    try {
      await this.#begin(lane, read.wanted, cursorIn(operation) ?? this.#parts.cursor);
    } catch (thrown) {
      this.#forget(lane);
      const error = toTidewireError(thrown);
      if (errorCodeRow(error.code).status === 503) throw error;
      if (error.status >= 500) {
        this.#options.logger.error('operation failed', { connectionId: host.id, error: thrown });
      }
      if (!lane.over) this.#refuse(id, error);
    }
  }

  /** The client does not want it any more. False when there is none of that id. */
  complete(id: string): boolean {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return false;
    lane.over = true;
    this.#lanes.delete(id);
    if (lane.stream !== undefined) this.#options.keeper.drop(lane.stream);
    return true;
  }

  /** The credential of the connection will end. Wall-clock milliseconds. */
  expiring(expiresAt: number): void {
    const credentialExpiring = { expiresAt: formatTimestamp(expiresAt) };
    for (const id of this.#lanes.keys()) {
      this.#parts.peer.next(id, { data: null, extensions: { credentialExpiring } });
    }
  }

  /** Ends every one of them, for good. */
  end(code: ErrorCode, reason: string): void {
    for (const lane of this.#lanes.values()) lane.end(code, reason);
  }

  readonly #forget = (lane: OperationLane): void => {
    if (this.#lanes.get(lane.id) === lane) this.#lanes.delete(lane.id);
  };

  async #begin(lane: OperationLane, wanted: Wanted, cursor: string | undefined): Promise<void> {
    const { opener, keeper } = this.#options;
    const { host, peer, transport } = this.#parts;
    const side = { transport, wire: 'graphql-lines', tick: 0, subscription: '', sink: lane } as const;
    await opener.openLane(host, { wanted, cursor, side }, (opened) => {
      if (lane.over || !peer.open) {
        keeper.drop(opened.stream);
        return;
      }
      lane.stream = opened.stream;
      // Who is cut off before the first event has a cursor to come back with.
      if (opened.start.kind === 'live') peer.position(lane.id, formatEventId(opened.position));
      startStream(this.#options, opened, lane);
    });
  }

  #refuse(id: string, { code, message }: TidewireError): void {
    this.#options.onRefusal(code);
    this.#parts.peer.refuse(id, [{ message, extensions: { code } }]);
  }
}
