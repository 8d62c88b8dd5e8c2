import type { SocketWrite, ViewClass } from './view-classes.ts';

/** What the benchmark asks of the process that holds the sockets. Orders are answered one by one. */
export type SocketOrder =
  | {
      readonly type: 'open';
      readonly host: string;
      readonly port: number;
      readonly deflate: boolean;
      /** What every socket of a class may be told; undefined: every message that comes is the text of the write. */
      readonly classes: readonly ViewClass[] | undefined;
      readonly sockets: readonly { readonly path: string; readonly viewClass: number }[];
    }
  /** What will be written next, in this order. */
  | { readonly type: 'expect'; readonly writes: readonly SocketWrite[] }
  /** Answered when everything that was expected has come, or nothing has for so long. */
  | { readonly type: 'wait'; readonly patienceMs: number }
  | { readonly type: 'close' };

export interface SocketReport {
  /** Sockets that are open now. */
  readonly open: number;
  /** Until the last socket was subscribed, seconds; of an `open`. */
  readonly openSeconds: number;
  /** How often one was told to come again, by status; of an `open`. */
  readonly refused: Readonly<Record<string, number>>;
  readonly deliveries: number;
  readonly expected: number;
  /** From the first to the last delivery. */
  readonly seconds: number;
  /** Milliseconds from the write to its first and to its last receiver, per write that somebody was told of; sorted. */
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
  readonly pings: number;
  readonly heartbeats: number;
  readonly faults: readonly string[];
}

export type SocketAnswer = { readonly report: SocketReport } | { readonly failed: string };

/** The path of the target for nchan is its own; the text that it carries is made of the write alone. */
export function plainMessage({ uuid, after }: SocketWrite): string {
  return JSON.stringify({
    type: 'change',
    event: 'insert',
    recordId: uuid,
    record: { id: uuid, fields: after },
  });
}
