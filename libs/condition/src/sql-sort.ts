import type { FieldType } from './field-types.ts';
import { epochMs, numberOf, textOf } from './sql-leaf.ts';
import type { SqlField } from './sql-field.ts';

/**
 * What rows are sorted by for a field, as an SQL expression: NULL where the field has no value of its type (sort with
 * NULLS LAST), texts by code point, date-times as instants, `false` before `true`. Undefined for what has no order:
 * lists, objects, and properties whose type the schema does not say. Raises no error on any stored row.
 */
export function sortKeySql(field: SqlField, type: FieldType): string | undefined {
  if (field.kind === 'absent') return undefined;
  if (field.kind === 'text') return `${field.sql} COLLATE "C"`;
  if (field.kind !== 'jsonb') return field.sql;
  switch (type) {
    case 'integer':
    case 'number':
      return numberOf(field);
    case 'boolean':
      return `(CASE WHEN jsonb_typeof(${field.sql}) = 'boolean' THEN (${field.sql})::boolean END)`;
    case 'string':
      return `${textOf(field)} COLLATE "C"`;
    case 'instant':
      return epochMs(textOf(field) ?? 'NULL::text');
    default:
      return undefined;
  }
}
