import { destination, pino } from 'pino';
import { describeError, redactText } from './redaction.ts';

/**
 * The only fields that a log line may have. What is not here is dropped, so a line can never carry a payload, a
 * token, a cookie or a whole URL by accident. Add a name when an operator needs the fact to find a fault.
 */
export const LOG_FIELDS = Object.freeze([
  'address',
  'attempt',
  'bytes',
  'code',
  'connectionId',
  'correlationId',
  'count',
  'delayMs',
  'durationMs',
  'epoch',
  'id',
  'kind',
  'limit',
  'method',
  'migration',
  'name',
  'organisation',
  'principal',
  'reason',
  'route',
  'schema',
  'sequence',
  'service',
  'signal',
  'status',
  'subject',
  'subscriptionId',
  'target',
  'topic',
  'traceparent',
  'transport',
  'url',
  'version',
] as const);
export type LogField = (typeof LOG_FIELDS)[number];

/** Facts of one line. `error` is written as name, code and place; texts that may hold data are cut out of it. */
export type LogFields = { readonly [Name in LogField]?: string | number | boolean | null | undefined } & {
  readonly error?: unknown;
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * Writes one JSON line per call. `message` is a constant phrase, so that lines can be counted; what varies is a
 * field. Nothing at `info` may grow with the number of events delivered: that is a metric.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line has these fields too. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly destination?: { write(line: string): void };
}

/** A {@link Logger} that writes JSON lines with `time` in RFC 3339 and `level` as a word. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Synchronous: the line before a process ends is the one that says why.
  return wrap(pino(settings, options.destination ?? destination({ fd: STANDARD_OUTPUT, sync: true })), {});
}

const STANDARD_OUTPUT = 1;

type WrittenLevel = Exclude<LogLevel, 'silent'>;

function wrap(sink: pino.Logger, bound: LogFields): Logger {
  const write = (level: WrittenLevel, message: string, fields?: LogFields): void => {
    if (!sink.isLevelEnabled(level)) return;
    sink[level](permittedFields({ ...bound, ...fields }), message);
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    child: (fields) => wrap(sink, { ...bound, ...fields }),
  };
}

function permittedFields(fields: LogFields): Record<string, unknown> {
  const permitted: Record<string, unknown> = {};
  for (const name of LOG_FIELDS) {
    const value = fields[name];
    if (typeof value === 'string') permitted[name] = redactText(value);
    else if (typeof value === 'number' || typeof value === 'boolean') permitted[name] = value;
  }
  if (fields.error !== undefined) permitted['error'] = describeError(fields.error);
  return permitted;
}
