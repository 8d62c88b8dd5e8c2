/**
 * Where this library reports to. The shape of a pino logger: facts first, then a constant phrase. No payloads and no
 * secrets are ever among the facts.
 */
export interface BusLogger {
  info(facts: Record<string, unknown>, phrase: string): void;
  warn(facts: Record<string, unknown>, phrase: string): void;
  error(facts: Record<string, unknown>, phrase: string): void;
}

/** Says nothing: for tests and small tools. */
export const silentLogger: BusLogger = Object.freeze({
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
});
