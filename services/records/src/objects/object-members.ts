import type { FieldError, ObjectImage } from '@tidewire/contract';
import type { Decision } from '@tidewire/policy';
import type { ObjectChecks } from './object-validator.ts';

type Members = Readonly<Record<string, unknown>>;

/** How given members become those of the object. */
export type ChangeKind = 'merge' | 'replace';

/** Members whose stored value is known before the write: all but objects that are merged into objects. */
export function finalMembers(mode: ChangeKind, members: Members): Members {
  return mode === 'replace' ? members : pick(members, (value) => !isMergeable(value));
}

/**
 * A replacement, completed with defaults. Only of what the writer may read on every row: what it may not read stays as it
 * is, and a default would take its place.
 */
export function withReadableDefaults(checks: ObjectChecks, members: Members, read: Decision): Members {
  if (!read.allowed) return members;
  const { names, conditions } = read.reads;
  const readable = new Set(names.filter((_, index) => conditions[index]?.op === 'true'));
  return checks.withDefaults(members, readable);
}

/** What is wrong with an object once a change was merged into it. Values that the client did not send are not looked at. */
export function mergedProblems(
  checks: ObjectChecks,
  mode: ChangeKind,
  members: Members,
  after: ObjectImage,
): FieldError[] {
  const missing = checks.missing(after);
  if (mode === 'replace') return missing;
  const merged = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(members)) if (isMergeable(value)) merged[name] = after[name];
  return [...checks.check(merged), ...missing];
}

/** The members that have a value. */
export function withoutNulls(members: Members): Record<string, unknown> {
  return pick(members, (value) => value !== null);
}

function isMergeable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick(members: Members, keep: (value: unknown) => boolean): Record<string, unknown> {
  const picked = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(members)) if (keep(value)) picked[name] = value;
  return picked;
}
