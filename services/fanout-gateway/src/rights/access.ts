import { decideAccess } from '@tidewire/policy';
import type { Decision, RightsView } from '@tidewire/policy';
import type { Credential, Principal, Scopes } from '@tidewire/contract';

/**
 * Who reads, as of now: principal and credential are looked up in the view each time, so that a change of rights
 * needs no visit to whoever asks. Anonymous readers have neither.
 */
export interface Reader {
  readonly principalId: string | null;
  readonly credentialId: string | null;
}

/** Nobody in particular: passes what a `public` rule allows. */
export const ANONYMOUS: Reader = Object.freeze({ principalId: null, credentialId: null });

/** The rights of a reader as of the view's position. A reader that is not known any more may do nothing. */
export function decideRead(view: RightsView, reader: Reader, schemaId: string): Decision {
  const identity = identify(view, reader);
  if (identity === undefined) return { allowed: false };
  return decideAccess({ view, schema: schemaId, action: 'read', ...identity });
}

export interface Identity {
  readonly principal: Principal | null;
  readonly scopes: Scopes | null;
}

/** Principal and scopes in their newest version; undefined when the reader's rights have ended. */
export function identify(view: RightsView, reader: Reader): Identity | undefined {
  if (reader.principalId === null || reader.credentialId === null) return { principal: null, scopes: null };
  const principal = view.principal(reader.principalId);
  const credential: Credential | undefined = view.credential(reader.credentialId);
  if (principal === undefined || credential === undefined || principal.removed) return undefined;
  return { principal, scopes: credential.scopes };
}

/**
 * Whether the schema is there for this reader at all. One that may read none of its rows gets the same answer as for
 * a schema that does not exist.
 */
export function isReadable(decision: Decision): boolean {
  return decision.allowed && (decision.rows.op !== 'false' || decision.ownerPasses);
}

/** The organisations whose actors the reader is told about. */
export function actorOrganisations(view: RightsView, reader: Reader): readonly string[] | 'all' {
  const principal = identify(view, reader)?.principal;
  if (principal === undefined || principal === null) return [];
  return principal.admin ? 'all' : principal.organisations;
}
