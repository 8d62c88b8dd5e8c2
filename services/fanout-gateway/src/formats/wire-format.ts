import type { LogPosition, Resync } from '@tidewire/contract';

/** An event of a topic, encoded. */
export interface EncodedEvent {
  readonly id: string;
  /** What it is called: `object.created`. */
  readonly event: string;
  /** The CloudEvent. */
  readonly json: string;
}

/** A change of a record, encoded. */
export interface EncodedChange {
  readonly id: string;
  /** The message's members after its type and its subscription (`table-message.ts`). */
  readonly members: string;
}

/**
 * How what is told becomes bytes on one kind of wire. `subscription` is the id that the frame carries; empty where frames
 * of this wire have none.
 */
export interface WireFormat {
  /** Whether frames carry the id of their subscription. */
  readonly named: boolean;
  event(event: EncodedEvent, subscription: string): Buffer;
  change(change: EncodedChange, subscription: string): Buffer;
  /** A heartbeat: everything up to here was told, or is not for the reader. */
  position(position: LogPosition, subscription: string, nowMs: number): Buffer;
  resync(resync: Resync, subscription: string): Buffer;
}
