import { TidewireError, parseTopic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { admitPrincipal, isReadableTopic, unavailable } from '@tidewire/rights';
import type { AdmissionOptions } from '@tidewire/rights';
import type { Device } from './device.ts';
import type { Telling } from './device-sender.ts';

export interface DeviceOwnersOptions extends AdmissionOptions {
  /** Whether rights are level with the log. */
  readonly fresh: () => boolean;
}

/**
 * Whether a device may be told now: while one of its topics is there for its owner. It goes with its owner, and with the token that
 * registered it.
 *
 * @throws TidewireError SERVICE_UNAVAILABLE when nobody can say.
 */
export async function mayTell(
  options: DeviceOwnersOptions,
  { principal, credential, topics }: Pick<Device, 'principal' | 'credential' | 'topics'>,
): Promise<Telling> {
  if (!options.fresh()) throw unavailable('Rights are behind the log');
  try {
    const admission = await admitPrincipal(options, { principal, credential });
    const view: RightsView = options.view();
    const isThere = topics.some((text) => {
      const topic = parseTopic(text);
      return topic !== undefined && isReadableTopic(view, admission.reader, topic);
    });
    admission.release();
    return isThere ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof TidewireError && error.code === 'NOT_FOUND') return 'gone';
    throw error;
  }
}
