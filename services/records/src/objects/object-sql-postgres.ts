import { compileSql, objectFields, quoteLiteral, sortKeySql } from '@tidewire/condition';
import type { Condition, SqlField, SqlOptions } from '@tidewire/condition';
import { projectedFields, visibleRows } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import type { ChangeMode, ListQuery, StatementContext } from './object-repository.ts';

/** A statement in the making: its parameters, and where the fields of the row `o` are found. */
export interface ObjectSql {
  readonly options: SqlOptions;
  readonly parameters: unknown[];
  /** Adds a parameter and returns its name in the statement. */
  bind(value: unknown): string;
}

/** Begins a statement on `records.objects o`. */
export function beginObjectSql({ place, nowMs }: StatementContext): ObjectSql {
  const parameters: unknown[] = [];
  const columns = new Map<string, SqlField>([
    ['_uuid', { sql: 'o.uuid', kind: 'uuid' }],
    ['_organisation', { sql: 'o.organisation', kind: 'uuid' }],
    ['_owner', { sql: 'o.owner', kind: 'text' }],
    ['_register', { sql: `${quoteLiteral(place.registerSlug)}::text`, kind: 'text' }],
    ['_schema', { sql: `${quoteLiteral(place.schemaSlug)}::text`, kind: 'text' }],
    ['_version', { sql: 'o.version', kind: 'integer' }],
    ['_created', { sql: 'o.created', kind: 'timestamptz' }],
    ['_updated', { sql: 'o.updated', kind: 'timestamptz' }],
  ]);
  const options = { field: objectFields('o.properties', columns), parameters, now: nowMs };
  return { options, parameters, bind: (value) => `$${parameters.push(value)}` };
}

/** The row `row` as it is stored, with who wrote it. */
export function storedImageSql(sql: ObjectSql, row: string, { place }: StatementContext): string {
  const slugs = `${sql.bind(place.registerSlug)}::text, ${sql.bind(place.schemaSlug)}::text`;
  return `(records.image(${row}, ${slugs})
    || jsonb_build_object('_createdBy', (${row}).created_by, '_updatedBy', (${row}).updated_by))`;
}

/** Which rows the decision lets pass, owned ones included, as a condition on `o`. Sees the whole row. */
export function visibleRowsSql(sql: ObjectSql, decision: Granted): string {
  return compileSql(visibleRows(decision), sql.options);
}

/** Which rows a list selects. */
type Selection = Pick<ListQuery, 'decision' | 'filter' | 'search'>;

/** WHERE of a list: schema, rights on the whole row, then filter and search on what may be read of it. */
export function listWhere(sql: ObjectSql, context: StatementContext, query: Selection): string {
  const projected = projectedOptions(sql, query.decision);
  const parts = [
    `o.schema_id = ${sql.bind(context.place.schema)}::uuid`,
    visibleRowsSql(sql, query.decision),
    compileSql(query.filter, projected),
  ];
  const indexed = containmentSql(sql, query);
  if (indexed !== undefined) parts.push(indexed);
  if (query.search !== undefined) parts.push(searchSql(sql, projected, query.search));
  return parts.join(' AND ');
}

/** ORDER BY of a list: the terms asked for, then the uuid, so that pages neither repeat nor skip. */
export function listOrder(sql: ObjectSql, query: ListQuery): string {
  const projected = projectedOptions(sql, query.decision);
  const terms = query.order.flatMap(({ field, type, descending }) => {
    const key = sortKeySql(projected.field(field), type);
    if (key === undefined) return [];
    // Where it says nothing, NULLS LAST would keep the indexes from being read backwards.
    const nulls = NEVER_NULL.has(field) ? '' : ' NULLS LAST';
    return [`${key} ${descending ? 'DESC' : 'ASC'}${nulls}`];
  });
  return [...terms, 'o.uuid'].join(', ');
}

const NEVER_NULL: ReadonlySet<string> = new Set(['_uuid', '_version', '_created', '_updated']);

/** The properties that an update stores, from the row as it is in the moment of the write; `given` is an expression. */
export function changedPropertiesSql(sql: ObjectSql, given: string, { mode, reader }: ChangeMode): string {
  if (mode === 'merge') return `records.merge_patch(o.properties, ${given})`;
  const hidden = hiddenPropertiesSql(sql, reader);
  return hidden === undefined ? given : `(${hidden} || ${given})`;
}

/** What the reader may not read on the row, as an object; undefined where it may read everything. */
function hiddenPropertiesSql(sql: ObjectSql, reader: Granted | undefined): string | undefined {
  if (reader === undefined) return 'o.properties';
  const parts: string[] = [];
  for (const [index, name] of reader.reads.names.entries()) {
    const condition = reader.reads.conditions[index];
    if (condition === undefined || condition.op === 'true') continue;
    const literal = quoteLiteral(name);
    parts.push(
      `CASE WHEN o.properties ? ${literal} AND (${compileSql(condition, sql.options)}) IS NOT TRUE
        THEN jsonb_build_object(${literal}, o.properties -> ${literal}) ELSE '{}'::jsonb END`,
    );
  }
  // A property that the schema does not know is nobody's to read, nor to remove.
  const known = sql.bind(reader.reads.names);
  parts.push(`(o.properties - ${known}::text[])`);
  return `(${parts.join(' || ')})`;
}

/** The fields of the row as far as the decision lets them be read on it. */
export function projectedOptions(sql: ObjectSql, decision: Granted): SqlOptions {
  return { ...sql.options, field: projectedFields(decision, sql.options) };
}

/**
 * Equalities of the filter once more, in the form that the GIN index on `properties` serves. They follow from the filter where
 * the property is readable, so they select nothing else; where it is not readable on every row they are left out.
 */
function containmentSql(sql: ObjectSql, { filter, decision }: Selection): string | undefined {
  const terms: readonly Condition[] = filter.op === 'and' ? filter.terms : [filter];
  const wanted: [string, unknown][] = [];
  for (const term of terms) {
    // Numbers are compared as doubles, which containment does not do.
    if (term.op !== 'eq' || term.type !== undefined) continue;
    if (typeof term.value !== 'string' && typeof term.value !== 'boolean') continue;
    const index = decision.reads.names.indexOf(term.field);
    if (index >= 0 && decision.reads.conditions[index]?.op === 'true') wanted.push([term.field, term.value]);
  }
  if (wanted.length === 0) return undefined;
  return `o.properties @> ${sql.bind(JSON.stringify(Object.fromEntries(wanted)))}::jsonb`;
}

function searchSql(sql: ObjectSql, projected: SqlOptions, search: NonNullable<ListQuery['search']>): string {
  const texts = search.fields
    .map((name) => projected.field(name))
    .flatMap((field) => (field.kind === 'jsonb' ? [field.sql] : []));
  // Before anything is bound: PostgreSQL refuses a parameter that no part of the statement uses.
  if (texts.length === 0) return 'FALSE';
  const wanted = `lower(${sql.bind(search.text)}::text)`;
  const parts = texts.map(
    (text) =>
      `CASE WHEN jsonb_typeof(${text}) = 'string' THEN strpos(lower(${text} #>> '{}'), ${wanted}) > 0 END`,
  );
  return `(${parts.join(' OR ')})`;
}
