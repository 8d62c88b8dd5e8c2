import type { StreamMessage } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';

/** One open connection, as those see it who have something to say to it besides events. */
export interface Peer {
  /** The connection's id. */
  readonly id: string;
  /** Who is there, as of now: by another credential after a renewal. */
  readonly reader: Reader;
  /** False from the moment at which it ends. */
  readonly open: boolean;
  /** Sends a message now. Nothing happens when the connection has ended; one that does not take it is reset. */
  tell(message: StreamMessage): void;
}
