import type { Interest } from './expectation.ts';
import type { Ticket } from './tickets.ts';

/** An event as it came. */
export interface ReceivedEvent {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** In which words changes are told. */
export type Face = 'objects' | 'table' | 'graphql';

export interface StreamRequest {
  /** Base URL of a gateway. */
  readonly base: string;
  /** Who asks. */
  readonly ticket: Ticket;
  readonly interest: Interest;
  readonly cursor: string | undefined;
  /** How the cursor is told, where the transport has more than one way. */
  readonly cursorInHeader: boolean;
}

/** What a transport reports; nothing after `closed` or `refused`. */
export interface StreamListener {
  readonly opened: () => void;
  /** The next request begins where the last one ended: what follows may be told as the past is. */
  readonly again: () => void;
  readonly event: (event: ReceivedEvent) => void;
  /** The client lets the server go on: all that follows is sent after this. */
  readonly released: () => void;
  /** The position up to which everything was told. */
  readonly position: (id: string) => void;
  readonly resync: (text: string) => void;
  /** The connection lives by another credential from here on. */
  readonly renewed: (ticket: Ticket) => void;
  /** All of an answer was reported, its position last: what is between its cursor and that was told, or is not to be. */
  readonly answered: () => void;
  /** The server said that, and why, it ends the stream. */
  readonly ended: (text: string) => void;
  /** The connection is gone, whoever ended it. */
  readonly closed: () => void;
  readonly refused: (status: number, body: string) => void;
}

/** One way to follow topics, or a table. A new one is a file in `transports/` and a name in its list. */
export interface Transport {
  readonly name: string;
  /** Whether it can be asked for this. */
  readonly follows: (interest: Interest) => boolean;
  /** The gateway that it would rather go to, where that is not all the same to it. */
  readonly place?: (ticket: Ticket, cursor: string | undefined) => string | undefined;
  /** Whether it lets somebody in by this credential; absent: by any. */
  readonly takes?: (ticket: Ticket) => boolean;
  /** By what somebody is told who comes by a credential, where that is not by the credential itself. */
  readonly as?: (ticket: Ticket) => Ticket;
  /** Any of the gateways answers, and which one is not known. */
  readonly anywhere?: boolean;
  /** Opens and returns how to close; closing reports nothing. */
  readonly open: (request: StreamRequest, listener: StreamListener) => () => void;
}
