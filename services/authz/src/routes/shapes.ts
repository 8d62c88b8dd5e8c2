import type { Organisation, Policy, Principal } from '@tidewire/contract';

/** What the API shows of the states that the log carries: without the members that only the log needs. */
export function formatOrganisation({ kind: _kind, removed: _removed, ...view }: Organisation) {
  return view;
}

export function formatPrincipal({ kind: _kind, removed: _removed, ...view }: Principal) {
  return view;
}

export function formatPolicy({ kind: _kind, removed: _removed, ...view }: Policy) {
  return view;
}
