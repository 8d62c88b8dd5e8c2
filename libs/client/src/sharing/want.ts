import type { StreamMessage } from '@tidewire/contract';
import type { ClientError } from '../client-error.ts';
import type { Link, SubscriptionWish } from '../link/link.ts';

/** One thing that a tab wants of the connection, as it can be told to another tab. */
export type Want =
  | { readonly kind: 'subscription'; readonly wish: SubscriptionWish }
  | { readonly kind: 'page'; readonly pagePath: string }
  | { readonly kind: 'edit'; readonly edit: Parameters<Link['edit']>[0] };

/** Who wants it: the sinks of `link.ts` in one shape, so that it does not matter in which tab they are. */
export interface Wanter {
  /** Where to go on: the cursor of a subscription, the `updatedAt` of an edit. */
  position(): string | undefined;
  message(message: StreamMessage): void;
  interrupted(): void;
  /** Nothing follows. */
  ended(error: ClientError): void;
}

/** Asks a link for it, until the answer is called; nothing is told afterwards, whatever was under way. */
export function serve(link: Link, want: Want, wanter: Wanter): () => void {
  let served = true;
  const position = (): string | undefined => wanter.position();
  const message = (told: StreamMessage): void => {
    if (served) wanter.message(told);
  };
  const interrupted = (): void => {
    if (served) wanter.interrupted();
  };
  const ended = (error: ClientError): void => {
    if (served) wanter.ended(error);
  };
  const stop = begin();
  return () => {
    served = false;
    stop();
  };

  function begin(): () => void {
    switch (want.kind) {
      case 'subscription':
        return link.subscribe(want.wish, { cursor: position, message, interrupted, ended });
      case 'page':
        return link.join(want.pagePath, { message, interrupted, refused: ended });
      case 'edit':
        return link.edit(want.edit, { updatedAt: () => position() ?? '', conflict: message });
    }
  }
}

/** Where to go on after this message (PROTOCOL.md section 5.2), for an edit the version it is based on then (5.6). */
export function positionAfter(message: StreamMessage): string | undefined {
  switch (message.type) {
    case 'change':
    case 'heartbeat':
    case 'subscribed':
      return message.eventId;
    case 'event':
      return message.event.id;
    case 'resync':
      return message.current;
    case 'conflict':
      return message.updatedAt;
    default:
      return undefined;
  }
}
