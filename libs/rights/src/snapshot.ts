import { REQUEST_SUBJECTS } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { BusUnavailableError, loadStates } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';

/**
 * Loads rights and catalogue into the view and returns the position from which the log has to be applied: the older
 * one of the two, because states are whole and the newest version wins.
 *
 * @throws TidewireError SERVICE_UNAVAILABLE when an owner does not answer or the two are not of one epoch.
 */
export async function loadSnapshot(bus: MessageBus, view: RightsView): Promise<LogPosition> {
  const [rights, catalogue] = await Promise.all([
    loadStates(bus, REQUEST_SUBJECTS.rightsState),
    loadStates(bus, REQUEST_SUBJECTS.catalogueState),
  ]);
  if (rights.position.epoch !== catalogue.position.epoch) {
    throw new BusUnavailableError('rights and catalogue are of different epochs of the log');
  }
  const sequence = Math.min(rights.position.sequence, catalogue.position.sequence);
  view.loadState(rights.items, sequence);
  view.loadState(catalogue.items, sequence);
  return { epoch: rights.position.epoch, sequence };
}
