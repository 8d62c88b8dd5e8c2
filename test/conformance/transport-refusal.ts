import { errorCodeRow, errorCodeSchema } from '@tidewire/contract';
import type { Refusal } from './transport.ts';
import type { MessageCheck } from './transport-messages.ts';

/** Codes from here on say: do not come back. */
const FIRST_FINAL_CLOSE_CODE = 4500;

/** What a code that ends a subscription says of coming back. */
export function reconnectOf(code: string): boolean {
  const { close } = errorCodeRow(errorCodeSchema.parse(code));
  return close === undefined || close < FIRST_FINAL_CLOSE_CODE;
}

/** What a stream says that ends before it begins. */
export const COME_AGAIN: Refusal = Object.freeze({
  status: 503,
  code: 'SERVICE_UNAVAILABLE',
  message: '',
  retryAfter: undefined,
});

/** The answer of a request that was refused. */
export function readRefusal(check: MessageCheck, status: number, body: string, retryAfter: unknown): Refusal {
  const problem = JSON.parse(body) as { readonly code: string; readonly message: string };
  check.document('problem', problem);
  return {
    status,
    code: problem.code,
    message: problem.message,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
  };
}
