import type { ServerResponse } from 'node:http';
import { formatEventId, formatTopic } from '@tidewire/contract';
import type { Handshake } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import { GRAPHQL_WORDS } from '../formats/graphql-sse.ts';
import { createTableWords, MESSAGE_WORDS, TOPIC_WORDS } from '../formats/sse.ts';
import type { SseWords } from '../formats/sse.ts';
import { ANONYMOUS_PRINCIPAL } from '../limits/connection-slots.ts';
import { BareStreams } from './bare-streams.ts';
import { startStream } from './catch-up.ts';
import { describeSubscription } from './lane.ts';
import type { LanesOptions } from './lanes.ts';
import type { Peer } from './peer.ts';
import { beginSeveral } from './several-subscriptions.ts';
import { SsePeer } from './sse-peer.ts';
import { SseSink } from './sse.ts';
import type { OpenedStream, StreamSide, Wanted } from './stream-opener.ts';
import type { Stream } from './stream.ts';

/** Who asks for a stream, and where it goes. */
export interface SsePlace {
  readonly admission: Admission;
  readonly address: string;
  readonly correlationId: string;
  readonly response: ServerResponse;
}

/** A subscribe request, read and authenticated. */
export interface SseOrder extends SsePlace {
  readonly wanted: Wanted;
  readonly cursor: string | undefined;
}

/** Who wants to know that a client is there, and that it is not any more. */
export interface StreamWatcher {
  touch(peer: Peer): void;
  left(peer: Peer): void;
}

/** Streams over Server-Sent Events: what cannot be refused any more is said in the stream. */
export class SseStreams {
  readonly #options: LanesOptions;
  readonly #bare: BareStreams;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#bare = new BareStreams(options.clock);
  }

  /**
   * Opens the stream and starts whatever brings it up to date. Owns the admission.
   *
   * @throws TidewireError before anything was sent: TOO_MANY_CONNECTIONS, and what {@link StreamOpener.open} throws.
   */
  async open(order: SseOrder): Promise<void> {
    const { slots, opener } = this.#options;
    const { admission, response, wanted } = order;
    const face = faceOf(opener.find(wanted, admission.reader));
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const sink = SseSink.create(response, face.words);
    const side = { ...face.side, sink };
    await opener.open({ ...order, side }, slot, (opened) => {
      if (sink !== undefined) this.#begin(opened, sink, order);
    });
  }

  /**
   * Opens a stream that is subscribed to nothing, for those who have something else to say to it. Owns the admission.
   * Undefined when the client has gone.
   *
   * @throws TidewireError before anything was sent: TOO_MANY_CONNECTIONS, and what {@link StreamOpener.openHost} throws.
   */
  async openBare(place: SsePlace, about: string, watcher: StreamWatcher): Promise<SsePeer | undefined> {
    const host = await this.#openHost(place);
    if (host === undefined) return undefined;
    const { stream, sink, peer } = host;
    const bare = { peer, onAlive: () => watcher.touch(peer) };
    this.#bare.add(bare);
    this.#open(sink, stream, place, { about, position: undefined }, () => {
      this.#bare.remove(bare);
      this.#options.keeper.drop(stream);
      watcher.left(peer);
    });
    return peer;
  }

  /**
   * Opens a stream and begins several subscriptions on it: what is wrong with one of them is said in the stream. Owns the
   * admission.
   *
   * @throws TidewireError before anything was sent, as {@link openBare} does.
   */
  async openSeveral(place: SsePlace, handshakes: readonly Handshake[]): Promise<void> {
    const host = await this.#openHost(place);
    if (host === undefined) return;
    const { stream, sink, peer } = host;
    const about = `subscriptions ${handshakes.length}`;
    this.#open(sink, stream, place, { about, position: undefined }, () => this.#options.keeper.drop(stream));
    await beginSeveral(this.#options, { host: stream, peer }, handshakes);
  }

  stop(): void {
    this.#bare.stop();
  }

  /** Lets a stream in that has no subscription yet; nothing is sent. Undefined when the client has gone. */
  async #openHost({ admission, response, address }: SsePlace): Promise<Host | undefined> {
    const { slots, opener } = this.#options;
    const slot = await slots.take(admission.reader.principalId ?? ANONYMOUS_PRINCIPAL);
    const sink = SseSink.create(response, MESSAGE_WORDS);
    if (sink === undefined) {
      slot.release();
      admission.release();
      return undefined;
    }
    const side = { transport: 'sse', wire: 'several-sse', tick: 0, subscription: '', sink } as const;
    const stream = opener.openHost({ admission, address }, side, slot);
    return { stream, sink, peer: new SsePeer(stream, sink) };
  }

  #begin(opened: OpenedStream, sink: SseSink, order: SseOrder): void {
    const { keeper } = this.#options;
    const { stream, start, position } = opened;
    const about =
      stream.table === undefined
        ? `topics ${stream.topics.map(formatTopic).join(' ')}`
        : `table ${stream.table}`;
    const live = start.kind === 'live' ? formatEventId(position) : undefined;
    this.#open(sink, stream, order, { about, position: live }, () => keeper.drop(stream));
    if (stream.table !== undefined) sink.tell(describeSubscription(opened, stream.table, stream.id));
    startStream(this.#options, opened, sink);
  }

  #open(
    sink: SseSink,
    stream: Stream,
    { response, correlationId }: SsePlace,
    opening: { readonly about: string; readonly position: string | undefined },
    onClose: () => void,
  ): void {
    const retryMs = this.#options.keeper.retryMs();
    sink.begin(response, { connectionId: stream.id, correlationId, retryMs, ...opening }, onClose);
  }
}

/** A stream without a subscription of its own. */
interface Host {
  readonly stream: Stream;
  readonly sink: SseSink;
  readonly peer: SsePeer;
}

/** How a stream speaks: its words, and its frames. Those of tables carry the name of their subscription, the table's. */
interface Face {
  readonly words: SseWords;
  readonly side: Omit<StreamSide, 'sink'>;
}

function faceOf({ table, selection }: Pick<Stream, 'table' | 'selection'>): Face {
  if (selection !== undefined) {
    return {
      words: GRAPHQL_WORDS,
      side: { transport: 'graphql-sse', wire: 'graphql-sse', tick: 0, subscription: '' },
    };
  }
  if (table === undefined) {
    return { words: TOPIC_WORDS, side: { transport: 'sse', wire: 'sse', tick: 0, subscription: '' } };
  }
  return {
    words: createTableWords(table),
    side: { transport: 'sse', wire: 'table-sse', tick: 0, subscription: table },
  };
}
