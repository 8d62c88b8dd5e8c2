import type { Condition } from './condition.ts';
import type { SqlField, SqlOptions } from './sql-field.ts';
import { sqlLeaf } from './sql-leaf.ts';

/**
 * The condition as a PostgreSQL boolean expression in parentheses that selects exactly the rows for which
 * `evaluate` says true. For other rows it is false or NULL, so use it in WHERE, CASE WHEN or `IS TRUE`,
 * never under NOT. Values are parameters only. It raises no error on any stored row. Needs a UTF-8
 * database and PostgreSQL 14.
 */
export function compileSql(condition: Condition, options: SqlOptions): string {
  switch (condition.op) {
    case 'true':
      return '(TRUE)';
    case 'false':
      return '(FALSE)';
    case 'and':
    case 'or': {
      const terms = condition.terms.map((term) => compileSql(term, options));
      return `(${terms.join(condition.op === 'and' ? ' AND ' : ' OR ')})`;
    }
    default:
      return `(${sqlLeaf(condition, options)})`;
  }
}

/** A text as an SQL string literal, whatever it holds; for names of properties inside expressions. */
export function quoteLiteral(text: string): string {
  if (text.includes('\u0000')) throw new TypeError('PostgreSQL text cannot hold NUL');
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/**
 * The usual field resolver: `columns` by field name, every other name a member of the jsonb expression
 * `properties` (`properties->'name'`, the form an expression index on a property has).
 */
export function objectFields(
  properties: string,
  columns: ReadonlyMap<string, SqlField>,
): (name: string) => SqlField {
  return (name) => columns.get(name) ?? { sql: `(${properties} -> ${quoteLiteral(name)})`, kind: 'jsonb' };
}

/**
 * A field that has a value only on rows that meet a condition (`guard`, compiled), as property rights ask:
 * absent on all others, so that a filter, sort or aggregate cannot tell what may not be read there.
 */
export function guardField(field: SqlField, guard: string): SqlField {
  return field.kind === 'absent'
    ? field
    : { kind: field.kind, sql: `(CASE WHEN ${guard} THEN ${field.sql} END)` };
}
