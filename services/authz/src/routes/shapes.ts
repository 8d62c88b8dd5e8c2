import { credentialSchema, organisationSchema, policySchema, principalSchema } from '@tidewire/contract';
import type { Organisation, Policy, Principal } from '@tidewire/contract';

/** What the API shows of the states that the log carries: without the members that only the log needs. */
export const organisationViewSchema = organisationSchema.omit({ kind: true, removed: true });
export const principalViewSchema = principalSchema.omit({ kind: true, removed: true });
export const policyViewSchema = policySchema.omit({ kind: true, removed: true });
export const credentialViewSchema = credentialSchema.omit({ kind: true, endedAt: true, version: true });

export function formatOrganisation({ kind: _kind, removed: _removed, ...view }: Organisation) {
  return view;
}

export function formatPrincipal({ kind: _kind, removed: _removed, ...view }: Principal) {
  return view;
}

export function formatPolicy({ kind: _kind, removed: _removed, ...view }: Policy) {
  return view;
}
