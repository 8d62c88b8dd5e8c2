import type { ErrorCode, StreamMessage } from '@tidewire/contract';
import type { ClientError } from '../client-error.ts';
import type { Handshake } from './transport.ts';

/** What a subscription is to. */
export function subjectOf(handshake: Handshake): { readonly table: string } | { readonly topic: string } {
  return 'table' in handshake ? { table: handshake.table } : { topic: handshake.topic };
}

/** What a socket would say of a handshake that is refused: the others go on. */
export function refusalOf(handshake: Handshake, error: ClientError): readonly StreamMessage[] {
  const { subscriptionId } = handshake;
  const { code, message, errors } = error;
  return [
    { type: 'error', code: code as ErrorCode, message, subscriptionId, detail: [...errors] },
    { type: 'unsubscribed', ...subjectOf(handshake), subscriptionId },
  ];
}
