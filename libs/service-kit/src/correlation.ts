import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { HTTP_HEADERS } from '@tidewire/contract';

/** What ties together everything that one request causes: log lines, events, requests to other services. */
export interface Correlation {
  readonly correlationId: string;
  /** W3C trace context of this process's part of the request. */
  readonly traceparent: string;
}

const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/**
 * Takes correlation id and trace from request headers, or begins new ones. What does not have their form is ignored,
 * not refused: it comes from proxies and browsers that the user cannot change.
 */
export function readCorrelation(headers: IncomingHttpHeaders): Correlation {
  const given = headers[HTTP_HEADERS.correlationId];
  const correlationId = typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID();
  return { correlationId, traceparent: continueTrace(headers[HTTP_HEADERS.traceparent]) };
}

/** A trace context with the trace of the given one, if it is valid, and a span of its own. */
export function continueTrace(parent?: string | string[]): string {
  const match = typeof parent === 'string' ? TRACEPARENT.exec(parent) : null;
  const span = randomBytes(8).toString('hex');
  const [, trace, parentSpan, flags] = match ?? [];
  if (trace === undefined || flags === undefined || trace === NO_TRACE || parentSpan === NO_SPAN) {
    return `00-${randomBytes(16).toString('hex')}-${span}-01`;
  }
  return `00-${trace}-${span}-${flags}`;
}
