import type { RightsState } from '@tidewire/contract';

/** Whose pages a change of rights may concern: rules and organisations are everybody's. */
export function concernedBy(state: RightsState): ReadonlySet<string> | 'all' {
  switch (state.kind) {
    case 'principal':
      return new Set([state.id]);
    case 'credential':
      return new Set([state.principal]);
    case 'policy':
    case 'organisation':
    case 'register':
    case 'schema':
      return 'all';
  }
}
