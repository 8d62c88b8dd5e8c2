import { FILTER_LIMITS } from '@tidewire/condition';
import type { ObjectFields } from './object-fields.ts';
import { FILTER_GROUPS } from './object-fields.ts';
import { graphqlError } from './document.ts';
import type { FieldFilter } from './selection.ts';

const GROUPS: ReadonlySet<string> = new Set(Object.values(FILTER_GROUPS));
const MAX_DEPTH = FILTER_LIMITS.depth;

/**
 * A filter argument by the names that the log has for fields.
 *
 * @throws GraphQLError BAD_REQUEST when it is nested too deeply.
 */
export function readFilter(fields: ObjectFields | undefined, value: unknown, depth = 0): FieldFilter {
  const known = [...(fields?.system ?? []), ...(fields?.properties ?? [])];
  return rename(new Map(known.map(({ field, name }) => [field, name])), value, depth);
}

function rename(names: ReadonlyMap<string, string>, value: unknown, depth: number): FieldFilter {
  if (depth > MAX_DEPTH) throw graphqlError('BAD_REQUEST', `A filter is at most ${MAX_DEPTH} deep`);
  const filter: Record<string, unknown> = Object.create(null);
  for (const [key, condition] of Object.entries(value as Record<string, unknown>)) {
    if (GROUPS.has(key)) {
      const parts = (condition ?? []) as readonly unknown[];
      filter[key] = parts.map((part) => rename(names, part, depth + 1));
    } else {
      filter[names.get(key) ?? key] = condition;
    }
  }
  return filter;
}
