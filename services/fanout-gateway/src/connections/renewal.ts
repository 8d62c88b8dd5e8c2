import { TidewireError } from '@tidewire/contract';
import type { ConnectionsReply, ConnectionsRequest } from '@tidewire/contract';
import { holdAnswer, unavailable } from '@tidewire/rights';
import type { Admission, AdmissionOptions } from '@tidewire/rights';
import { toTidewireError } from '@tidewire/service-kit';
import { resolveTable } from '../rights/resolve-table.ts';
import { resolveTopics } from '../rights/resolve-topics.ts';
import type { RightsFeed } from '../rights/rights-feed.ts';
import type { StreamKeeper } from '../transports/stream-keeper.ts';
import type { Stream } from '../transports/stream.ts';

export interface RenewalOptions extends Omit<AdmissionOptions, 'bus' | 'view'> {
  readonly keeper: Pick<StreamKeeper, 'streams' | 'renew'>;
  readonly rights: Pick<RightsFeed, 'view' | 'seesAlike'>;
  /** Whether rights are those of now: a decision on older ones would not be one. */
  readonly fresh: () => boolean;
}

type Renewal = Extract<ConnectionsRequest, { action: 'renew' }>;
type Outcome = Omit<Extract<ConnectionsReply, { action: 'renew' }>, 'action' | 'gateway'>;

const UNKNOWN: Outcome = { outcome: 'unknown' };

/**
 * Lets a stream of this gateway live by another credential of its principal. The rights of the new one are taken as the
 * log has them here; a stream of somebody else is as unknown as one that is not there.
 */
export async function renewHere(options: RenewalOptions, renewal: Renewal): Promise<Outcome> {
  if (findOwn(options, renewal) === undefined) return UNKNOWN;
  try {
    const view = (): RenewalOptions['rights']['view'] => options.rights.view;
    const admission = await holdAnswer({ ...options, view }, renewal);
    if (admission === undefined) return { outcome: 'stale' };
    // From here on nothing is awaited: what is judged is what the stream goes on with.
    const stream = findOwn(options, renewal);
    try {
      if (stream === undefined) throw new TidewireError('NOT_FOUND', 'gone meanwhile');
      requireRights(options, stream, admission);
    } catch (error) {
      admission.release();
      throw error;
    }
    options.keeper.renew(stream, admission, (part) => options.rights.seesAlike(part, admission.reader));
    return { outcome: 'renewed' };
  } catch (error) {
    const { code, message } = toTidewireError(error);
    return code === 'NOT_FOUND' ? UNKNOWN : { outcome: 'refused', refusal: { code, message } };
  }
}

/**
 * Lets a stream of this gateway live by a credential that was admitted here. Owns the admission.
 *
 * @throws TidewireError UNAUTHORIZED for another principal's, FORBIDDEN when it may not read what is subscribed to.
 */
export function renewWith(options: RenewalOptions, stream: Stream, admission: Admission): void {
  try {
    if (admission.reader.principalId !== stream.reader.principalId) {
      throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
    }
    requireRights(options, stream, admission);
  } catch (error) {
    admission.release();
    throw error;
  }
  options.keeper.renew(stream, admission, (part) => options.rights.seesAlike(part, admission.reader));
}

function findOwn({ keeper }: RenewalOptions, { id, principal }: Renewal): Stream | undefined {
  const stream = keeper.streams.find(id);
  return stream?.reader.principalId === principal.id ? stream : undefined;
}

/** @throws TidewireError FORBIDDEN when the new credential may not be subscribed to what the stream is. */
function requireRights({ rights, fresh }: RenewalOptions, stream: Stream, { reader }: Admission): void {
  if (!fresh()) throw unavailable('This server is not level with the event log');
  try {
    for (const { table, topics } of stream.lanes ?? [stream]) {
      if (table === undefined) resolveTopics(rights.view, reader, topics);
      else resolveTable(rights.view, reader, table);
    }
  } catch (error) {
    // Which of them is not said: the caller need not be the one who subscribed.
    throw new TidewireError('FORBIDDEN', 'The credential may not read what the connection is subscribed to', {
      cause: error,
    });
  }
}
