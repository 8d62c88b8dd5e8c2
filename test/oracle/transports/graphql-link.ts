import type { Ticket } from '../tickets.ts';

/** A connection that several operations share, as those who know its protocol have it. */
export interface OperationLink {
  /** Sends an operation. Nothing before `opened`. */
  readonly subscribe: (id: string, operation: object) => void;
  /** Ends an operation; resolves when the server knows, or will. */
  readonly complete: (id: string) => Promise<void>;
  /** Breaks, without a word. Reports `closed`, if nothing was reported of the end before. */
  readonly cut: () => void;
}

/** What is said about an operation, whatever the protocol. */
export type OperationMessage =
  | { readonly type: 'next' | 'error'; readonly id: string; readonly payload: unknown }
  | { readonly type: 'complete'; readonly id: string }
  | { readonly type: 'position'; readonly id: string; readonly eventId: string };

/** What a connection reports; nothing after `closed` or `refused`. */
export interface LinkListener {
  /** Operations can be sent. */
  readonly opened: () => void;
  readonly message: (message: OperationMessage) => void;
  /** An operation was not taken: the status of the answer. */
  readonly failed: (id: string, status: number, body: string) => void;
  readonly refused: (status: number, body: string) => void;
  /** `reason`: what the server said, if anything. */
  readonly closed: (reason: string) => void;
  /** The server did what its protocol does not have. */
  readonly broken: (what: string, detail: object) => void;
}

export interface LinkOptions {
  /** Base URL of the gateway. */
  readonly base: string;
  /** Another one, which may be the same. */
  readonly elsewhere: string;
  readonly ticket: Ticket;
  /** What is said in one of several ways is said in this. */
  readonly way: number;
  /** The cursor of operations that have none of their own; only where the address can have one. */
  readonly cursor: string | undefined;
}

/** Opens a connection of some protocol. */
export type OpenLink = (options: LinkOptions, listener: LinkListener) => OperationLink;
