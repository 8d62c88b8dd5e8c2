import type { Principal, RightsState } from '@tidewire/contract';
import type { RightsView } from './rights-view.ts';

/**
 * Whether a state found in the log takes part in what this principal may see of this schema; a replay that
 * passes such a message is a `resync` instead.
 */
export function entersDecision(
  view: RightsView,
  state: RightsState,
  asker: {
    readonly principal: Principal | null;
    readonly credential?: string | null;
    readonly schema: string;
  },
): boolean {
  switch (state.kind) {
    case 'policy':
    case 'register':
    case 'schema':
      return state.id === asker.schema || state.id === view.schema(asker.schema)?.register;
    case 'principal':
      return state.id === asker.principal?.id;
    case 'credential':
      return state.id === asker.credential;
    case 'organisation':
      return asker.principal !== null && view.chainOf(asker.principal).includes(state.id);
  }
}
