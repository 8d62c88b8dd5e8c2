/** What a client should do next: `never` repeat it unchanged, try it again `later`, or reconnect with its `cursor`. */
export type RetryAdvice = 'never' | 'later' | 'cursor';

interface ErrorCodeRow {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Short, constant, for people. */
  readonly title: string;
  readonly retry: RetryAdvice;
  /**
   * WebSocket close code where the code can end a connection. 4000 to 4499: reconnect with your cursor;
   * 4500 to 4999: do not. A client can act on a code that it has never heard of.
   */
  readonly close?: number;
}

/** Every error that Tidewire answers with, on every transport. Nothing else spells a code, status or close code. */
export const ERROR_CODES = Object.freeze({
  BAD_REQUEST: { status: 400, title: 'The request is malformed', retry: 'never', close: 4500 },
  VALIDATION_ERROR: { status: 400, title: 'The input is not valid', retry: 'never' },
  UNKNOWN_FIELD: { status: 400, title: 'There is no such field', retry: 'never' },
  MALFORMED_TOPIC: { status: 400, title: 'The topic is malformed', retry: 'never' },
  MALFORMED_FILTER: { status: 400, title: 'The filter is malformed', retry: 'never' },
  UNAUTHORIZED: { status: 401, title: 'Authentication required', retry: 'never', close: 4501 },
  CREDENTIAL_ENDED: {
    status: 401,
    title: 'The credential expired or was revoked',
    retry: 'never',
    close: 4502,
  },
  FORBIDDEN: { status: 403, title: 'Not allowed', retry: 'never', close: 4503 },
  CONNECTION_ENDED: {
    status: 403,
    title: 'An operator ended the connection',
    retry: 'never',
    close: 4505,
  },
  NOT_FOUND: { status: 404, title: 'Not found', retry: 'never', close: 4504 },
  CONNECTION_IDLE: {
    status: 408,
    title: 'The connection had no subscription for too long',
    retry: 'never',
    close: 4508,
  },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed', retry: 'never' },
  CONFLICT: { status: 409, title: 'Conflict with the stored state', retry: 'never' },
  SLUG_RESERVED: { status: 409, title: 'The slug is taken or was used recently', retry: 'later' },
  GONE: { status: 410, title: 'What was subscribed to was deleted', retry: 'never', close: 4510 },
  STALE_VERSION: { status: 412, title: 'The object was changed since it was read', retry: 'never' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large', retry: 'never', close: 4513 },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type', retry: 'never' },
  TOO_MANY_CONNECTIONS: { status: 429, title: 'Too many connections', retry: 'later', close: 4529 },
  TOO_MANY_SUBSCRIPTIONS: { status: 429, title: 'Too many subscriptions', retry: 'never', close: 4530 },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retry: 'later', close: 4429 },
  INTERNAL_ERROR: { status: 500, title: 'Internal error', retry: 'later', close: 4000 },
  SERVICE_UNAVAILABLE: { status: 503, title: 'Temporarily unavailable', retry: 'later', close: 4003 },
  DRAINING: { status: 503, title: 'This server is restarting', retry: 'cursor', close: 4001 },
  CONNECTION_AGED: {
    status: 503,
    title: 'The connection reached its maximum age',
    retry: 'cursor',
    close: 4002,
  },
  RIGHTS_STALE: {
    status: 503,
    title: 'Rights could not be confirmed for too long',
    retry: 'cursor',
    close: 4004,
  },
} as const satisfies Record<string, ErrorCodeRow>);

export type ErrorCode = keyof typeof ERROR_CODES;

/** The row of a code, with its optional members. */
export function errorCodeRow(code: ErrorCode): ErrorCodeRow {
  return ERROR_CODES[code];
}
