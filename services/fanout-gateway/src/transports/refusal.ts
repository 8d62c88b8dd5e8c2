import type { FieldError, TidewireError } from '@tidewire/contract';
import { toTidewireError } from '@tidewire/service-kit';
import type { Logger } from '@tidewire/service-kit';
import type { Peer } from './peer.ts';

/** What a refusal is about. */
interface RefusedThing {
  readonly subscriptionId?: string | undefined;
  readonly detail?: readonly FieldError[];
}

/** Tells a client what it does not get, and why; its connection goes on. Returns the error that it was told. */
export function tellRefusal(
  { peer, logger }: { readonly peer: Pick<Peer, 'id' | 'tell'>; readonly logger: Logger },
  thrown: unknown,
  { subscriptionId, detail: about = [] }: RefusedThing,
): TidewireError {
  const error = toTidewireError(thrown);
  const detail = [...error.errors, ...about];
  if (error.status >= 500 && error.code !== 'SERVICE_UNAVAILABLE') {
    logger.error('message of a client failed', { connectionId: peer.id, error: thrown });
  }
  peer.tell({
    type: 'error',
    code: error.code,
    message: error.message,
    ...(subscriptionId !== undefined && { subscriptionId }),
    ...(detail.length > 0 && { detail }),
  });
  return error;
}
