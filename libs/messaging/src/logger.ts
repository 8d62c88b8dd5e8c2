/** What a line of this library may say besides its phrase. Never a payload or a secret. */
export interface BusFacts {
  readonly subject?: string;
  readonly reason?: string;
  readonly epoch?: string;
  readonly sequence?: number;
  readonly error?: unknown;
}

/** Where this library reports to: service-kit's logger fits. The phrase is constant, what varies is a fact. */
export interface BusLogger {
  info(phrase: string, facts?: BusFacts): void;
  warn(phrase: string, facts?: BusFacts): void;
  error(phrase: string, facts?: BusFacts): void;
}

/** Says nothing: for tests and small tools. */
export const silentLogger: BusLogger = Object.freeze({
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
});
