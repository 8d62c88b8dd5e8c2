import {
  ALWAYS,
  and,
  compare,
  exists,
  NEVER,
  oneOf,
  SYSTEM_FIELD_TYPES,
  usesNow,
  type Condition,
} from '@tidewire/condition';
import type { Action, Principal, Scopes } from '@tidewire/contract';
import { DENIED, type Decision, type Granted, type PropertyRights } from './decision.ts';
import { grantedRows, type Asker } from './grant.ts';
import { allProperties, propertyRights } from './property-rights.ts';
import type { RightsView } from './rights-view.ts';
import type { CompiledRule, SchemaRules } from './schema-rules.ts';
import { scopeAllows, scopeRows } from './scope.ts';

/** Who wants to do what. */
export interface AccessRequest {
  readonly view: RightsView;
  /** Null: anonymous, who passes only what a `public` rule lets them read. */
  readonly principal: Principal | null;
  /** The schema's id. */
  readonly schema: string;
  readonly action: Action;
  /** What the credential is limited to; null or absent: nothing. */
  readonly scopes?: Scopes | null;
  /** An administrator's choice of one organisation; ignored for everybody else. */
  readonly organisation?: string;
}

/**
 * Decides, in this order: administrator, tenant boundary, owner (rows only), rules. An unknown schema or
 * policy, a removed principal and an action outside the scopes are denied. The decision holds as of the
 * view's position; ask again when the view says that it changed.
 */
export function decideAccess(request: AccessRequest): Decision {
  const { view, principal, schema, action } = request;
  const scopes = request.scopes ?? null;
  const rules = view.rules(schema);
  if (rules === undefined || principal?.removed === true || !scopeAllows(scopes, action)) return DENIED;
  if (isRemoved(rules) && !isReading(action)) return DENIED;
  const scope = scopeRows(scopes, rules);
  if (principal?.admin === true) return grantAll(request, rules, scope);
  const tenants = principal === null ? [] : tenantsFor(action, view.chainOf(principal));
  const boundary = and(tenantRows(principal, action, tenants), scope);
  if (boundary.op === 'false') return DENIED;
  const asker = { principal, tenants };
  const ownerPasses = principal !== null && action !== 'create';
  const rows = and(boundary, actionRows(rules, action, asker));
  if (rows.op === 'false' && !ownerPasses) return DENIED;
  const reads = rightsOf(rules.properties, rules.propertyReads, asker);
  const updates = rightsOf(rules.properties, rules.propertyUpdates, asker);
  return grant({ request, rules, tenants, boundary, rows, ownerPasses, reads, updates, bypass: false });
}

function grantAll(request: AccessRequest, rules: SchemaRules, scope: Condition): Decision {
  const { organisation } = request;
  const chosen = organisation === undefined ? ALWAYS : compare('eq', '_organisation', organisation);
  const boundary = and(chosen, scope);
  if (boundary.op === 'false') return DENIED;
  const everything = allProperties(rules.properties);
  return grant({
    request,
    rules,
    tenants: [],
    boundary,
    rows: boundary,
    ownerPasses: false,
    reads: everything,
    updates: everything,
    bypass: true,
  });
}

interface Parts {
  readonly request: AccessRequest;
  readonly rules: SchemaRules;
  readonly tenants: readonly string[];
  readonly boundary: Condition;
  readonly rows: Condition;
  readonly ownerPasses: boolean;
  readonly reads: PropertyRights;
  readonly updates: PropertyRights;
  readonly bypass: boolean;
}

function grant({ request, rules, ...parts }: Parts): Granted {
  const readable = new Set(
    parts.reads.names.filter((_, index) => parts.reads.conditions[index]?.op !== 'false'),
  );
  return {
    ...parts,
    allowed: true,
    action: request.action,
    schema: rules.schema.id,
    principal: request.principal?.id ?? null,
    types: (field) => (SYSTEM_FIELD_TYPES.has(field) || readable.has(field) ? rules.types(field) : undefined),
    usesNow: usesNow(parts.rows) || parts.reads.conditions.some(usesNow),
  };
}

/** What is removed can only be judged any more (its last deletes), never acted on. */
export function isRemoved(rules: SchemaRules): boolean {
  return rules.schema.removed || rules.register.removed;
}

/** Ancestors are for reading only. */
export function tenantsFor(action: Action, chain: readonly string[]): readonly string[] {
  return isReading(action) ? chain : chain.slice(0, 1);
}

/** Rows without an organisation are inside nobody's boundary but an administrator's. */
export function tenantRows(
  principal: Principal | null,
  action: Action,
  tenants: readonly string[],
): Condition {
  if (principal !== null) return oneOf('in', '_organisation', tenants);
  return isReading(action) ? exists('_organisation', true) : NEVER;
}

/** Reading and listing; the other actions write. */
export function isReading(action: Action): boolean {
  return action === 'read' || action === 'list';
}

/** What is listed must be readable too; without a rule of its own, listing is reading. */
function actionRows(rules: SchemaRules, action: Action, asker: Asker): Condition {
  if (action !== 'list') return ruledRows(rules.actions.get(action), asker);
  const read = ruledRows(rules.actions.get('read'), asker);
  return rules.actions.has('list') ? and(read, ruledRows(rules.actions.get('list'), asker)) : read;
}

/** No rules at all: the members of the object's organisation, which the boundary already describes. */
function ruledRows(rules: readonly CompiledRule[] | undefined, asker: Asker): Condition {
  if (rules === undefined) return asker.principal === null ? NEVER : ALWAYS;
  return grantedRows(rules, asker);
}

function rightsOf(
  names: readonly string[],
  ruled: ReadonlyMap<string, readonly CompiledRule[]>,
  asker: Asker,
): PropertyRights {
  return propertyRights(names, (name) => {
    const rules = ruled.get(name);
    return rules === undefined ? ALWAYS : grantedRows(rules, asker);
  });
}
