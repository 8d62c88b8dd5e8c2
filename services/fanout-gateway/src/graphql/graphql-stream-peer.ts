import type { ServerResponse } from 'node:http';
import type { ErrorCode, GraphqlErrorEntry, GraphqlResult, Resync } from '@tidewire/contract';
import { chunk, chunkStart } from '../formats/sse.ts';
import type { SseWords } from '../formats/sse.ts';
import { SseSink } from '../transports/sse.ts';
import type { SseOpening } from '../transports/sse.ts';
import type { StreamSink } from '../transports/stream.ts';
import { isFinalEnd } from './close-code.ts';
import type { ResultLine } from './operation-line.ts';
import type { OperationPeer } from './operation-peer.ts';
import type { Operations } from './operations.ts';

/** Unsent bytes beyond which nothing is put on top that is not an event: whoever reads so little has to come back. */
const MOST_QUEUED_BYTES = 1024 * 1024;
/** Ends the data of an event, and its chunk. */
const TAIL = Buffer.from('}\n\n\r\n');
const CHUNK_END_BYTES = 2;

/** What is said is said to single operations: the stream itself has nothing to say. */
const NO_WORDS: SseWords = Object.freeze({
  resync: () => '',
  expiring: () => '',
  held: () => '',
  end: () => '',
});

/** The write side of one stream of Server-Sent Events that several operations share (GraphQL over SSE, single connection mode). */
export class GraphqlStreamPeer implements StreamSink, OperationPeer {
  operations: Operations | undefined;
  /** Told when it is ended from this side. */
  onEnd: () => void = () => undefined;
  readonly #sink: SseSink;

  private constructor(sink: SseSink) {
    this.#sink = sink;
  }

  /** Undefined when the client has gone already. Nothing is sent before {@link GraphqlStreamPeer.begin}. */
  static create(response: ServerResponse): GraphqlStreamPeer | undefined {
    const sink = SseSink.create(response, NO_WORDS);
    return sink && new GraphqlStreamPeer(sink);
  }

  /** Sends the head of the answer. `onClose` is called once when the connection is closed, by whichever side. */
  begin(response: ServerResponse, opening: SseOpening, onClose: () => void): void {
    this.#sink.begin(response, opening, onClose);
  }

  get open(): boolean {
    return this.#sink.open;
  }

  write(bytes: Buffer): void {
    this.#sink.write(bytes);
  }

  cork(): void {
    this.#sink.cork();
  }

  uncork(): void {
    this.#sink.uncork();
  }

  result(name: string, { start, rest }: ResultLine): void {
    const head = `event: next\ndata: {"id":${name},"payload":${start}`;
    const restBytes = rest.length + TAIL.length - CHUNK_END_BYTES;
    this.write(chunkStart(head, restBytes));
    this.write(rest);
    this.write(TAIL);
  }

  /** In a comment: clients know no event for it. */
  position(id: string, eventId: string): void {
    this.#tell(`: position ${eventId} ${JSON.stringify(id)}\n\n`);
  }

  next(id: string, payload: GraphqlResult): void {
    this.#tell(`event: next\ndata: ${JSON.stringify({ id, payload })}\n\n`);
  }

  refuse(id: string, errors: readonly GraphqlErrorEntry[]): void {
    this.next(id, { errors: [...errors] });
    this.complete(id);
  }

  complete(id: string): void {
    this.#tell(`event: complete\ndata: ${JSON.stringify({ id })}\n\n`);
  }

  beat(): void {
    this.#tell(':\n\n');
  }

  queuedBytes(): number {
    return this.#sink.queuedBytes();
  }

  async drained(): Promise<void> {
    await this.#sink.drained();
  }

  reset(): void {
    this.#sink.reset();
  }

  /** Said to each operation, which has a cursor of its own. */
  resync(_resync: Resync): void {}

  expiring(expiresAt: number): void {
    this.operations?.expiring(expiresAt);
  }

  /** The protocol has no words for it. */
  held(): void {}

  end(code: ErrorCode, reason: string, lingerMs?: number): void {
    if (lingerMs !== undefined && this.queuedBytes() > 0) {
      this.reset();
      return;
    }
    this.onEnd();
    if (isFinalEnd(code)) this.operations?.end(code, reason);
    this.#sink.end(code, reason, lingerMs);
  }

  #tell(text: string): void {
    if (this.queuedBytes() > MOST_QUEUED_BYTES) this.reset();
    else this.write(chunk(text));
  }
}
