import {
  and,
  compare,
  evaluate,
  evaluateDuring,
  fieldsOf,
  NEVER,
  or,
  SYSTEM_FIELD_TYPES,
  type Condition,
  type Row,
} from '@tidewire/condition';
import type { Actor, Principal } from '@tidewire/contract';
import type { FieldMask, Granted } from './decision.ts';
import { allowedFields, allowedFieldsDuring, hasField } from './property-rights.ts';

/** Whether the rules allow a row at a moment, leaving the owner aside: the answer a whole class shares. */
export function passesRules(decision: Granted, row: Row, nowMs: number): boolean {
  return evaluate(decision.rows, row, { now: nowMs });
}

/** Whether a row is allowed because the principal owns it (inside the boundary). */
export function passesAsOwner(decision: Granted, row: Row): boolean {
  return decision.ownerPasses && row['_owner'] === decision.principal && evaluate(decision.boundary, row);
}

/** Whether the principal may see a row (or act on it, for another action) at a moment. */
export function isVisibleAt(decision: Granted, row: Row, nowMs: number): boolean {
  return passesRules(decision, row, nowMs) || passesAsOwner(decision, row);
}

/**
 * Whether the principal could see a row at any moment from its `_updated` to now: what a before image has
 * to be judged by where rules use `$now`, so that a row that vanished with time is still reported as left.
 */
export function wasVisibleDuring(decision: Granted, row: Row, fromMs: number, nowMs: number): boolean {
  return evaluateDuring(decision.rows, row, fromMs, nowMs) || passesAsOwner(decision, row);
}

/** The rows that the decision allows, own ones included: for SQL and for everything about one principal. */
export function visibleRows(decision: Granted): Condition {
  return or(decision.rows, ownerRows(decision));
}

/** The rows that pass because the principal owns them; never, where owning grants nothing. */
export function ownerRows(decision: Granted): Condition {
  if (!decision.ownerPasses || decision.principal === null) return NEVER;
  return and(decision.boundary, compare('eq', '_owner', decision.principal));
}

/**
 * Whether a reader may learn who made a change: members of the organisation that the actor acted for, and administrators.
 * Rows of a parent organisation may be readable without that.
 */
export function seesActor(
  principal: Pick<Principal, 'admin' | 'organisations'> | null,
  actor: Pick<Actor, 'organisation'>,
): boolean {
  if (principal === null) return false;
  return (
    principal.admin || (actor.organisation !== null && principal.organisations.includes(actor.organisation))
  );
}

/** The properties the principal may read on a row that it may see, at a moment. */
export function visibleFields(decision: Granted, row: Row, nowMs: number): FieldMask {
  return allowedFields(decision.reads, row, nowMs);
}

/** The properties the principal could read on a row at any moment of a span; for judging, not for content. */
export function visibleFieldsDuring(decision: Granted, row: Row, fromMs: number, nowMs: number): FieldMask {
  return allowedFieldsDuring(decision.reads, row, fromMs, nowMs);
}

/** False for a field that the principal can read on no row: it is refused like one that does not exist. */
export function readableOnAnyRow(decision: Granted, field: string): boolean {
  return decision.types(field) !== undefined;
}

/**
 * The row as the principal sees it: system members and the readable properties, in the schema's order. A
 * property that the schema does not know is left out. The result has no prototype.
 */
export function projectRow(decision: Granted, row: Row, nowMs: number): Record<string, unknown> {
  return projectFields(decision, row, visibleFields(decision, row, nowMs));
}

/** The row with its system members and the properties of a mask. */
export function projectFields(decision: Granted, row: Row, mask: FieldMask): Record<string, unknown> {
  const projected = Object.create(null) as Record<string, unknown>;
  for (const name of SYSTEM_FIELD_TYPES.keys()) if (Object.hasOwn(row, name)) projected[name] = row[name];
  for (const [index, name] of decision.reads.names.entries()) {
    if (hasField(mask, index) && Object.hasOwn(row, name)) projected[name] = row[name];
  }
  return projected;
}

/**
 * Whether a client's filter holds on the row as the principal sees it: properties outside the mask count as
 * absent, so that entering and leaving a filter tells nothing about them.
 */
export function meetsFilter(
  decision: Granted,
  filter: Condition,
  row: Row,
  judged: { readonly mask: FieldMask; readonly nowMs: number },
): boolean {
  const context = { now: judged.nowMs };
  for (const index of propertiesIn(decision, filter)) {
    if (index < 0 || !hasField(judged.mask, index)) {
      return evaluate(filter, projectFields(decision, row, judged.mask), context);
    }
  }
  return evaluate(filter, row, context);
}

/** The properties a filter looks at, looked up once per filter and schema; -1 for one that is no property. */
function propertiesIn(decision: Granted, filter: Condition): readonly number[] {
  const known = indexesByFilter.get(filter);
  if (known?.names === decision.reads.names) return known.indexes;
  const { names } = decision.reads;
  const indexes = [...fieldsOf(filter)]
    .filter((field) => !SYSTEM_FIELD_TYPES.has(field))
    .map((field) => names.indexOf(field));
  indexesByFilter.set(filter, { names, indexes });
  return indexes;
}

const indexesByFilter = new WeakMap<Condition, { names: readonly string[]; indexes: readonly number[] }>();
