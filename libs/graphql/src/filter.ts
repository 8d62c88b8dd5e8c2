import type { ObjectFields } from './object-fields.ts';
import { graphqlError } from './document.ts';
import type { FieldFilter } from './selection.ts';

const GROUPS: ReadonlySet<string> = new Set(['_and', '_or']);
/** A filter within filters: beyond that nothing useful is said. */
const MAX_DEPTH = 8;

/**
 * A filter argument by the names that the log has for fields.
 *
 * @throws GraphQLError BAD_REQUEST when it is nested too deeply.
 */
export function readFilter(fields: ObjectFields | undefined, value: unknown, depth = 0): FieldFilter {
  if (depth > MAX_DEPTH) throw graphqlError('BAD_REQUEST', `A filter is at most ${MAX_DEPTH} deep`);
  const names = new Map(
    [...(fields?.system ?? []), ...(fields?.properties ?? [])].map(({ field, name }) => [field, name]),
  );
  const filter: Record<string, unknown> = Object.create(null);
  for (const [key, condition] of Object.entries(value as Record<string, unknown>)) {
    if (GROUPS.has(key)) {
      const parts = (condition ?? []) as readonly unknown[];
      filter[key] = parts.map((part) => readFilter(fields, part, depth + 1));
    } else {
      filter[names.get(key) ?? key] = condition;
    }
  }
  return filter;
}
