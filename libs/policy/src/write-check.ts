import { evaluate, type Row } from '@tidewire/condition';
import type { Decision, Granted } from './decision.ts';
import { sameJson } from './json-equality.ts';
import { allowedFields, hasField } from './property-rights.ts';
import { isVisibleAt, passesAsOwner, passesRules, visibleFields } from './visibility.ts';

/** One write, before it is committed. */
export interface Write {
  /** The decision for `create`, `update` or `delete`. */
  readonly decision: Granted;
  /** The row as stored; null for a create. */
  readonly before: Row | null;
  /** The row as it would be stored; null for a delete. */
  readonly after: Row | null;
  /** Names of the properties whose value differs; found by comparing when it is not given. */
  readonly changedFields?: Iterable<string>;
  /** What the writer sent of an object that exists, and what it may read of that; absent: what differs. */
  readonly sent?: SentFields;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Properties that a writer gave a value, whether it is another one or not. */
export interface SentFields {
  readonly names: Iterable<string>;
  /** The writer's decision for `read`. */
  readonly read: Decision;
}

/**
 * Whether a write is allowed. `row`: the row before or after it is not the principal's to write. `system`:
 * it moves the row (uuid, organisation, register, schema, owner). `fields`: it sets properties that may not be
 * written, which are named; whether the writer may read them does not matter.
 */
export type WriteVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'row' }
  | { readonly ok: false; readonly reason: 'system' | 'fields'; readonly fields: readonly string[] };

/**
 * Checks a write on both of its images: rule, tenant boundary and property rights must allow the row as it was
 * and as it becomes, so a patch can neither take a row out of its own reach nor pull one in. The owner is
 * who owned it before. Values that do not change need no right, but where the writer may not read them: a right guess
 * must be refused like a wrong one.
 */
export function checkWrite(write: Write): WriteVerdict {
  const { decision, before, after, nowMs } = write;
  if (before !== null && !passesRules(decision, before, nowMs) && !passesAsOwner(decision, before))
    return ROW_REFUSED;
  if (after === null) return ALLOWED;
  if (!afterPasses(write, after)) return ROW_REFUSED;
  const moved = before === null ? [] : movedMembers(before, after, decision.bypass);
  if (moved.length > 0) return { ok: false, reason: 'system', fields: moved };
  const changed = write.changedFields ?? changedFields(before ?? {}, after);
  const fields = refusedFields(write, after, changed);
  return fields.length > 0 ? { ok: false, reason: 'fields', fields } : ALLOWED;
}

/** Names of the properties whose JSON value differs between two images; absent and null are the same. */
export function changedFields(before: Row, after: Row): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !name.startsWith('_') && name !== 'id' && differs(before, after, name));
}

const ALLOWED: WriteVerdict = Object.freeze({ ok: true });
const ROW_REFUSED: WriteVerdict = Object.freeze({ ok: false, reason: 'row' });

function afterPasses({ decision, before, nowMs }: Write, after: Row): boolean {
  if (passesRules(decision, after, nowMs)) return true;
  return before !== null && passesAsOwner(decision, before) && evaluate(decision.boundary, after);
}

function movedMembers(before: Row, after: Row, bypass: boolean): readonly string[] {
  const fixed = ['_uuid', '_organisation', '_register', '_schema', ...(bypass ? [] : ['_owner'])];
  return fixed.filter((name) => differs(before, after, name));
}

function refusedFields(write: Write, after: Row, changed: Iterable<string>): readonly string[] {
  const { decision, before, nowMs } = write;
  const { updates } = decision;
  const writableAfter = allowedFields(updates, after, nowMs);
  const writableBefore = before === null ? writableAfter : allowedFields(updates, before, nowMs);
  return [...new Set([...changed, ...blindlySent(write)])].filter((name) => {
    const index = updates.names.indexOf(name);
    return index < 0 || !hasField(writableBefore, index) || !hasField(writableAfter, index);
  });
}

/** What was sent of properties that the writer could not read on the row as it was. */
function blindlySent({ sent, before, nowMs }: Write): readonly string[] {
  if (sent === undefined || before === null) return [];
  const { read } = sent;
  if (!read.allowed || !isVisibleAt(read, before, nowMs)) return [...sent.names];
  const readable = visibleFields(read, before, nowMs);
  return [...sent.names].filter((name) => {
    const index = read.reads.names.indexOf(name);
    return index < 0 || !hasField(readable, index);
  });
}

function differs(before: Row, after: Row, name: string): boolean {
  return !sameJson(own(before, name), own(after, name));
}

function own(row: Row, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}
