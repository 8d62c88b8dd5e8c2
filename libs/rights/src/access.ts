import { DENIED, decideAccess } from '@tidewire/policy';
import type { Decision, RightsView } from '@tidewire/policy';
import type { Action, Credential, Principal, Scopes } from '@tidewire/contract';

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
  return decide(view, reader, schemaId, 'read');
}

/**
 * Whether the schema is there for this reader at all: when a rule lets it read or create rows. Reading what one owns
 * is not enough, because that is allowed on every schema. For everybody else the schema does not exist.
 */
export function knowsSchema(view: RightsView, reader: Reader, schemaId: string): boolean {
  const read = decideRead(view, reader, schemaId);
  if (!read.allowed) return false;
  return read.rows.op !== 'false' || decide(view, reader, schemaId, 'create').allowed;
}

function decide(view: RightsView, reader: Reader, schemaId: string, action: Action): Decision {
  const identity = identify(view, reader);
  if (identity === undefined) return DENIED;
  return decideAccess({ view, schema: schemaId, action, ...identity });
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
  if (principal === undefined || principal.removed) return undefined;
  // A credential may end between being admitted and being used: then it is nobody's any more.
  if (credential === undefined || credential.endedAt !== null) return undefined;
  return { principal, scopes: credential.scopes };
}

/** Whether the reader is an administrator with all its rights: a limited credential of one is not. */
export function isAdministrator(view: RightsView, reader: Reader): boolean {
  const identity = identify(view, reader);
  const { actions, topics } = identity?.scopes ?? {};
  return identity?.principal?.admin === true && actions === undefined && topics === undefined;
}

/** The organisations whose actors the reader is told about. */
export function actorOrganisations(view: RightsView, reader: Reader): readonly string[] | 'all' {
  const principal = identify(view, reader)?.principal;
  if (principal === undefined || principal === null) return [];
  return principal.admin ? 'all' : principal.organisations;
}
