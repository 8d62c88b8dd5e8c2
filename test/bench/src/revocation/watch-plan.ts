/** Streams of one credential have a group's name; a report or close is about all groups whose name begins as said. */
export interface WatchOrder {
  readonly type: 'open' | 'report' | 'close';
  readonly group: string;
  /** To open: how many, on what, and the header that says who asks. */
  readonly count?: number;
  readonly path?: string;
  readonly header?: string;
}

/** What one stream has seen, in microseconds of the machine's monotonic clock. */
export interface Watched {
  /** The last byte of the newest event that carries an object. */
  readonly lastEventUs: number;
  /** When it was told: a `resync`, a departure, an end or a closed socket; undefined until then. */
  readonly toldUs: number | undefined;
  readonly toldAs: string | undefined;
  /** Events that came after it was told. */
  readonly eventsAfter: number;
}

export interface WatchAnswer {
  readonly type: 'opened' | 'report' | 'closed' | 'failed';
  readonly group: string;
  readonly streams: readonly Watched[];
  /** Streams of other groups that were told something since they were opened. */
  readonly bystandersTold: number;
  readonly message?: string;
}
