import { errorCodeRow } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { CloseCode } from 'graphql-ws';

/** RFC 6455 7.4.1 and IANA's registry of close codes. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/**
 * Clients of graphql-ws know its own codes, and come back after every other one. Where a code of the contract is one of
 * those and means something else there, or where they would come back although nothing can come of it, another one says
 * what they are to do. The reason is the code's name either way.
 */
const GRAPHQL_CODES: Readonly<Partial<Record<ErrorCode, number>>> = Object.freeze({
  RIGHTS_STALE: TRY_AGAIN_LATER,
  RATE_LIMITED: TRY_AGAIN_LATER,
  TOO_MANY_CONNECTIONS: TRY_AGAIN_LATER,
  CREDENTIAL_ENDED: CloseCode.Unauthorized,
  CONNECTION_ENDED: CloseCode.Unauthorized,
  UNAUTHORIZED: CloseCode.Forbidden,
  FORBIDDEN: CloseCode.Forbidden,
  BAD_REQUEST: CloseCode.BadRequest,
});

/** What a socket of GraphQL is closed with. */
export function graphqlCloseCode(code: ErrorCode): number {
  return GRAPHQL_CODES[code] ?? errorCodeRow(code).close ?? GOING_AWAY;
}

/** Whether coming back cannot help, so that every operation is told its end. */
export function isFinalEnd(code: ErrorCode): boolean {
  return errorCodeRow(code).retry === 'never';
}
