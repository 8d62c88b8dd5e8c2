import { TidewireError, stateReplySchema } from '@tidewire/contract';
import type { LogPosition, RightsState, StateReply } from '@tidewire/contract';
import { BusUnavailableError } from './bus-error.ts';
import type { MessageBus } from './message-bus.ts';

export interface LoadedStates {
  /** Apply the log from after this position: it is the first page's, so nothing written since is missed. */
  readonly position: LogPosition;
  readonly items: readonly RightsState[];
}

/** 500 states a page; an answer that pages on for ever is a defect of the other side. */
const MAX_PAGES = 20_000;

/**
 * All pages of `authz.v1.state` or `catalogue.v1.state`. A state may occur twice, when it changed between two pages:
 * the newest version wins, as it does in the log.
 *
 * @throws TidewireError as the owner answered, `SERVICE_UNAVAILABLE` when it does not, or when the log got a new
 *   epoch between two pages (load again).
 */
export async function loadStates(
  bus: MessageBus,
  requestSubject: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<LoadedStates> {
  const items: RightsState[] = [];
  let position: LogPosition | undefined;
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const reply: StateReply = await bus.request(requestSubject, { after }, stateReplySchema, {
      timeoutMs: options.timeoutMs ?? 5000,
    });
    if (!reply.ok) throw new TidewireError(reply.code, reply.message, { errors: reply.errors ?? [] });
    position ??= reply.position;
    if (reply.position.epoch !== position.epoch) {
      throw new BusUnavailableError('the log got a new epoch while states were loaded');
    }
    items.push(...reply.items);
    if (reply.next === null) return { position, items };
    if (reply.next === after) break;
    after = reply.next;
  }
  throw new TidewireError('INTERNAL_ERROR', `the pages of ${requestSubject} do not end`);
}
