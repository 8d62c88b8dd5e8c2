/**
 * What apps are told as the server says it. The contract has the schemas; here are the types alone, so that a program that
 * uses the client needs no validation library for them. `server-messages.test.ts` holds the two against each other.
 */

/** An event of a topic: CloudEvents 1.0 in JSON (PROTOCOL.md section 4). The same event has the same `id` on every transport. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  /** Ends in `.object.created`, `.object.updated` or `.object.deleted`. */
  readonly type: string;
  readonly time: string;
  /** The id of the object. */
  readonly subject: string;
  readonly datacontenttype: 'application/json';
  readonly sequence: string;
  readonly correlationid?: string | undefined;
  readonly data: EventData;
}

/** `object` is the row trimmed to the reader; `changed` comes with updates only; deletes have neither. */
export interface EventData {
  readonly uuid: string;
  readonly register: string;
  readonly schema: string;
  readonly organisation?: string | null | undefined;
  readonly version?: number | undefined;
  /** Of `left`: the row still exists, but not for this reader. */
  readonly transition?: 'entered' | 'left' | undefined;
  readonly actor?: { readonly id: string; readonly name: string } | undefined;
  readonly object?: { readonly id: string; readonly [name: string]: unknown } | undefined;
  readonly changed?:
    { readonly [name: string]: { readonly old: unknown; readonly new: unknown } } | undefined;
}

/** Somebody who is on a page. */
export interface PresentUser {
  readonly id: string;
  readonly name: string;
  readonly avatarUrl?: string | undefined;
  readonly pagePath: string;
  /** When the first of the connections that are there now joined. */
  readonly joinedAt: string;
}

/** Events may be missing: fetch again, then go on from `current`. */
export interface Resync {
  readonly reason: string;
  /** The position from which events follow. */
  readonly current: string;
}
