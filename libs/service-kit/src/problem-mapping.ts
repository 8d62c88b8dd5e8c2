import { ERROR_CODES, TidewireError } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { z } from 'zod';
import { invalidInput } from './field-error.ts';
import { unavailableError } from './pool-postgres.ts';

/** Fastify's own refusals and what they are on our wire. */
const FASTIFY_CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'PAYLOAD_TOO_LARGE'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'UNSUPPORTED_MEDIA_TYPE'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'BAD_REQUEST'],
  ['FST_ERR_BAD_URL', 'BAD_REQUEST'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'BAD_REQUEST'],
]);

const HTTP_STATUS_CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'UNAUTHORIZED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [503, 'DRAINING'],
]);

/**
 * Turns whatever was thrown into the error that a client gets. Errors of Tidewire stay; faults of the input become
 * 400 with pointers; a database that is away becomes 503; everything else says `INTERNAL_ERROR` and nothing more.
 */
export function toTidewireError(error: unknown): TidewireError {
  if (error instanceof TidewireError) return error;
  if (error instanceof z.core.$ZodError) return invalidInput(error, 'request');
  const unavailable = unavailableError(error);
  if (unavailable !== undefined) return unavailable;
  const code = frameworkCode(error);
  if (code !== undefined) return new TidewireError(code, `${ERROR_CODES[code].title}.`, { cause: error });
  return new TidewireError('INTERNAL_ERROR', ERROR_CODES.INTERNAL_ERROR.title, { cause: error });
}

function frameworkCode(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  if (typeof code !== 'string' || !code.startsWith('FST_') || typeof statusCode !== 'number')
    return undefined;
  const known = FASTIFY_CODES.get(code) ?? HTTP_STATUS_CODES.get(statusCode);
  if (known !== undefined) return known;
  return statusCode >= 400 && statusCode < 500 ? 'BAD_REQUEST' : undefined;
}
