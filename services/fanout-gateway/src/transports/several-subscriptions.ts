import { slugSchema, topicSchema } from '@tidewire/contract';
import type { Handshake, TidewireError } from '@tidewire/contract';
import type { LaneSubject } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { LanesOptions } from './lanes.ts';
import { nameIn, readHandshake } from './handshake.ts';
import { tellRefusal } from './refusal.ts';
import type { SsePeer } from './sse-peer.ts';
import type { Stream } from './stream.ts';

/** A stream of Server-Sent Events that has begun, and has no subscription yet. */
export interface BegunStream {
  readonly host: Stream;
  readonly peer: SsePeer;
}

/**
 * Begins the subscriptions of one stream, one after another. What is wrong with one is told to the stream, as on a WebSocket;
 * but its client can ask for no other one, so that a stream of which none is left ends. Never rejects.
 */
export async function beginSeveral(
  options: LanesOptions,
  { host, peer }: BegunStream,
  handshakes: readonly Handshake[],
): Promise<void> {
  const { keeper, logger } = options;
  let begun = false;
  const onEnd = (): void => {
    if (begun && lanes.size === 0) keeper.end(host, 'CONNECTION_IDLE');
  };
  const lanes = new Lanes(options, { host, peer, wire: 'several-sse', cursor: undefined, onEnd });
  let temporary: TidewireError | undefined;
  for (const handshake of handshakes) {
    if (!peer.open) return;
    try {
      await lanes.add(readHandshake(handshake));
    } catch (thrown) {
      const subscriptionId = nameIn(handshake);
      const error = tellRefusal({ peer, logger }, thrown, { subscriptionId });
      if (error.status === 503) temporary = error;
      // The one that has the name goes on.
      if (subscriptionId === undefined || error.code === 'CONFLICT') continue;
      peer.tell({ type: 'unsubscribed', ...subjectOf(handshake), subscriptionId });
    }
  }
  begun = true;
  if (temporary === undefined || lanes.size > 0) {
    onEnd();
    return;
  }
  // Nothing is wrong with what was asked for: the client has to come again.
  keeper.drop(host);
  peer.end(temporary.code, temporary.message);
}

/** What a refused handshake was about, where it may stand in a message. */
function subjectOf(handshake: Handshake): Partial<LaneSubject> {
  if ('topic' in handshake) {
    const topic = topicSchema.safeParse(handshake.topic).data;
    return topic === undefined ? {} : { topic };
  }
  const table = slugSchema.safeParse(handshake.table).data;
  return table === undefined ? {} : { table };
}
