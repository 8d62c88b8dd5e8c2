import type { RightsState } from '@tidewire/contract';
import { entersDecision } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import { identify } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Interest } from '../fanout/subscription.ts';
import { coversSchema } from '../rights/resolve-topics.ts';

/**
 * Whether rights that changed after a client's cursor take part in what it may see: then events alone cannot bring it
 * up to date, because rows appeared or vanished without one. What was created after the cursor is no change: nothing
 * of it was there before, and all of it is in the replay.
 */
export function rightsChanged(
  view: RightsView,
  reader: Reader,
  interests: readonly Interest[],
  states: readonly RightsState[],
): boolean {
  const created = new Set(states.filter(isCreation).map(({ id }) => id));
  const changes = states.filter((state) => {
    if (state.kind === 'policy') return !(state.version === 1 && created.has(state.id));
    return state.version > 1;
  });
  if (changes.length === 0) return false;
  const principal = identify(view, reader)?.principal ?? null;
  const credential = reader.credentialId;
  // Removed schemas count: their policies were part of what could be seen.
  const schemas = view.schemas().filter((schema) => coversSchema(interests, schema));
  return changes.some((state) =>
    schemas.some((schema) => entersDecision(view, state, { principal, credential, schema: schema.id })),
  );
}

function isCreation(state: RightsState): boolean {
  return (state.kind === 'register' || state.kind === 'schema') && state.version === 1;
}
