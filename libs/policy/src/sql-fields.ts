import {
  compileSql,
  guardField,
  SYSTEM_FIELD_TYPES,
  type SqlField,
  type SqlOptions,
} from '@tidewire/condition';
import type { Granted } from './decision.ts';

/**
 * The field resolver for a client's filter, sort, search or aggregate in SQL: each property has a value only on
 * the rows where the principal may read it, and none at all where it may on no row. `options` finds the
 * unguarded field; rules themselves are compiled with that one, because rights see the whole row.
 */
export function projectedFields(decision: Granted, options: SqlOptions): (name: string) => SqlField {
  const guarded = new Map<string, SqlField>();
  return (name) => {
    const field = guarded.get(name) ?? guard(decision, options, name);
    guarded.set(name, field);
    return field;
  };
}

function guard(decision: Granted, options: SqlOptions, name: string): SqlField {
  if (SYSTEM_FIELD_TYPES.has(name)) return options.field(name);
  const condition = decision.reads.conditions[decision.reads.names.indexOf(name)];
  if (condition === undefined || condition.op === 'false') return { kind: 'absent' };
  const field = options.field(name);
  return condition.op === 'true' ? field : guardField(field, compileSql(condition, options));
}
