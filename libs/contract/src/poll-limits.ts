// Nothing is imported here: who needs only these has no validation in its bundle.

/** Bounds of a long poll. The longest wait ends before the minute after which proxies give a request up. */
export const POLL_LIMITS = Object.freeze({
  defaultTimeoutMs: 25_000,
  maxTimeoutMs: 55_000,
  defaultLimit: 100,
  maxLimit: 1000,
});

/** Query parameters of a long poll, besides those of a stream. */
export const POLL_PARAMETERS = Object.freeze({
  table: 'table',
  filter: 'filter',
  fields: 'fields',
  timeoutMs: 'timeoutMs',
  limit: 'limit',
});
