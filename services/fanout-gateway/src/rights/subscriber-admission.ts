import { TidewireError, formatSubscriber } from '@tidewire/contract';
import type { SubscriberAddress } from '@tidewire/contract';
import { AdmissionCache, admitPrincipal } from '@tidewire/rights';
import type { Admission, AdmissionCacheOptions, AdmissionOptions } from '@tidewire/rights';

export type SubscriberAdmissions = AdmissionCache<SubscriberAddress>;

/**
 * Admits subscribers by the address that NATS vouches for. They come again and again, so who was admitted is remembered
 * while the log says nothing else.
 */
export function createSubscriberAdmissions(
  options: AdmissionOptions & Pick<AdmissionCacheOptions<SubscriberAddress>, 'clock'>,
): SubscriberAdmissions {
  return new AdmissionCache({
    keyOf: formatSubscriber,
    admit: (address) => admitSubscriber(options, address),
    view: options.view,
    clock: options.clock,
  });
}

/** @throws TidewireError UNAUTHORIZED for who is nobody any more, in the words of every credential that does not count. */
async function admitSubscriber(options: AdmissionOptions, address: SubscriberAddress): Promise<Admission> {
  try {
    return await admitPrincipal(options, address);
  } catch (error) {
    if (!(error instanceof TidewireError) || error.code !== 'NOT_FOUND') throw error;
    throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.', { cause: error });
  }
}
