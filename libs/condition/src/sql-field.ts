/**
 * Where a field is found in SQL. `jsonb`: an expression of type jsonb, SQL NULL when absent. `text`,
 * `uuid`, `integer` and `timestamptz`: a column (a timestamptz must hold whole milliseconds, as `_created`
 * and `_updated` do). `absent`: the field has no value on any row.
 */
export type SqlField =
  | { readonly sql: string; readonly kind: 'jsonb' | 'text' | 'uuid' | 'integer' | 'timestamptz' }
  | { readonly kind: 'absent' };

/** How a condition becomes SQL. */
export interface SqlOptions {
  /** Finds a field. Its SQL stands in the text as it is: quote names with `quoteLiteral`. */
  readonly field: (name: string) => SqlField;
  /** The statement's parameters; values are appended here and written as `$n`. */
  readonly parameters: unknown[];
  /** Epoch milliseconds of this judgement; without it, conditions on `$now` do not match. */
  readonly now?: number;
}
