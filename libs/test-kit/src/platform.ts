/** A process of a service that there may be several of. After a restart its `url` is the same and its `pid` another. */
export interface PlatformReplica {
  readonly name: PlatformProcess;
  readonly url: string;
  readonly pid: number;
}

/**
 * Names of processes as `kill` and `restart` take them. Gateways are counted from 1; so are those of records where there
 * are several, and one alone is `records`.
 */
export type PlatformProcess =
  | 'nats'
  | 'postgres'
  | 'relay'
  | 'records'
  | `records-${number}`
  | 'authz'
  | 'push-notifier'
  | `push-notifier-${number}`
  | 'pages'
  | 'edge'
  | `fanout-gateway-${number}`;

export interface PlatformOptions {
  /** Default 1. */
  readonly gateways?: number;
  /** Processes of records, which the edge asks in turn. Default 1. */
  readonly records?: number;
  /** Processes of the push notifier. Default 0: most tests need none. */
  readonly notifiers?: number;
  /** With the demo's accounts and rows; the administrator's token is then the demo's. Default false. */
  readonly demo?: boolean;
  /** Settings for every service that knows them, such as `TIDEWIRE_MAX_CONNECTIONS_PER_USER`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Everything that `npm start` runs, without demo data, on a data folder of its own: real processes, real stores. */
export interface Platform extends AsyncDisposable {
  /** Base URL of the edge: the one origin. */
  readonly origin: string;
  /** Token of the first administrator. */
  readonly adminToken: string;
  readonly gateways: readonly PlatformReplica[];
  readonly records: readonly PlatformReplica[];
  readonly notifiers: readonly PlatformReplica[];
  /** Where every process that speaks HTTP listens itself, by its name. */
  readonly urls: Readonly<Record<string, string>>;
  /** Holds data, secrets and logs. */
  readonly dataFolder: string;
  /** The database's owner: sees and may do everything. */
  readonly ownerUrl: string;
  /** Runs one statement as the owner, connecting anew when the server was restarted. */
  readonly sql: <Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<Row[]>;
  /** NATS as one of its users, of any account: `relay`, `records-clients`, `authz-callout`. */
  readonly natsUrl: (user: string) => string;
  /** The address of NATS without a user, for those who show a token. */
  readonly natsServer: string;
  /**
   * Ends a process with the signal, waits until it is gone, starts it again with the same settings, address and data,
   * and resolves when it is ready. NATS and PostgreSQL too.
   */
  readonly restart: (name: PlatformProcess, signal: 'SIGKILL' | 'SIGTERM') => Promise<void>;
  /** SIGKILL; it stays down until `restart`. */
  readonly kill: (name: PlatformProcess) => Promise<void>;
  /** What a service has written to its log, for a test that has to explain a failure. */
  readonly log: (name: PlatformProcess) => string;
}
