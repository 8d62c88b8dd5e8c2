import { TidewireError } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { asBadRequest } from '@tidewire/graphql';
import { toTidewireError } from '@tidewire/service-kit';
import type { Logger } from '@tidewire/service-kit';
import { GraphQLError } from 'graphql';

/** What the line in the log about a failure says of its request. */
export interface FailedRequest {
  readonly logger: Logger;
  readonly correlationId: string;
}

/** An error as it is told: where it happened, and nothing about it that is not meant for clients. */
export function tellError(thrown: unknown, request: FailedRequest): GraphQLError {
  if (thrown instanceof GraphQLError && typeof thrown.extensions['code'] === 'string') return thrown;
  const located = thrown instanceof GraphQLError ? thrown : undefined;
  const cause = located === undefined ? thrown : (located.originalError ?? located);
  // Thrown below by what reads arguments.
  if (cause instanceof GraphQLError && cause !== located) return placed(asBadRequest(cause), located);
  const error = toTidewireError(cause);
  logFailure(error, request);
  const { code, message, errors, retryAfterSeconds } = error;
  const extensions = {
    code,
    ...(errors.length === 0 ? {} : { errors }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return placed(new GraphQLError(message, { extensions, originalError: error }), located);
}

/** An error about one field of one object. */
export function fieldError(code: 'FIELD_FORBIDDEN' | ErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** An error that will pass: too many requests, or no service at the moment. HTTP has its ways to say so to all on the way. */
export function passingFault(errors: readonly GraphQLError[]): TidewireError | undefined {
  for (const { originalError } of errors) {
    if (originalError instanceof TidewireError && PASSING.has(originalError.status)) return originalError;
  }
  return undefined;
}

const PASSING: ReadonlySet<number> = new Set([429, 503]);

function placed(error: GraphQLError, located: GraphQLError | undefined): GraphQLError {
  if (located === undefined) return error;
  const { nodes, source, positions, path } = located;
  const { message, extensions, originalError } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions, originalError });
}

function logFailure(error: TidewireError, { logger, correlationId }: FailedRequest): void {
  if (error.status < 500) return;
  const { code, cause } = error;
  logger.error('request failed', { code, correlationId, error: cause ?? error });
}
