/** Where so many sockets are opened, and as whom. */
export interface PushLogin {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** What the process of the sockets is told; each is answered once it is done. */
export type PushOrder =
  | { readonly type: 'open'; readonly logins: readonly PushLogin[] }
  /** What was heard so far, which is forgotten then. */
  | { readonly type: 'report' }
  | { readonly type: 'close' };

/** What one socket heard. Times are milliseconds since 1970. */
export interface HeardOnSocket {
  /** By uuid and version, when it was told of an event. */
  readonly events: readonly (readonly [string, number])[];
  /** When it was told that there are notifications. */
  readonly reminders: readonly number[];
  /** Told of an event again, or of something else. */
  readonly unexpected: number;
  readonly isClosed: boolean;
}

export type PushReport =
  | { readonly type: 'done'; readonly sockets: readonly HeardOnSocket[] }
  | { readonly type: 'failed'; readonly message: string };
