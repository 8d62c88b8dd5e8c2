import {
  ALWAYS,
  and,
  canonical,
  compare,
  or,
  parseFieldFilter,
  parseQueryFilter,
  parseTableFilter,
  unknownField,
} from '@tidewire/condition';
import type { Condition, FieldTypes, ParsedFilter } from '@tidewire/condition';
import { TABLE_SYSTEM_NAMES, TidewireError } from '@tidewire/contract';
import type { ObjectType } from '@tidewire/contract';
import type { FieldFilter } from '@tidewire/graphql';
import type { Granted, RightsView } from '@tidewire/policy';
import { decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';

/** What a subscriber asks for beside its topics. */
export interface Wish {
  /** Query parameters on the registers face, one text on the tables face, an object in GraphQL; empty: no filter. */
  readonly filter: QueryFilter | string | FieldFilter;
  readonly fields: readonly string[] | undefined;
  /** The order of a table's records; absent: none. */
  readonly sort?: string | undefined;
}

type QueryFilter = readonly (readonly [name: string, value: string])[];

type Problems = Extract<ParsedFilter, { ok: false }>['problems'];

interface ReadableSchema {
  readonly schema: ObjectType;
  readonly decision: Granted;
}

/**
 * The filter of a query for the schemas it reaches. Field names mean what they mean in each schema, so a filter over
 * several schemas covers those that have all its fields.
 *
 * @throws TidewireError UNKNOWN_FIELD when no schema has (or lets this reader read) a field, in the same words for
 * both; MALFORMED_FILTER for a filter that cannot be read.
 */
export function resolveFilter(
  view: RightsView,
  reader: Reader,
  wish: Wish,
  schemas: readonly ObjectType[],
): Condition {
  if (isWithoutFilter(wish) && wish.fields === undefined) return ALWAYS;
  const readable = readableSchemas(view, reader, schemas);
  checkFields(wish, readable);
  const parsed = readable.map((each) => ({
    ...each,
    filter: parseFilter(wish, each.decision.types),
  }));
  const understood = parsed.flatMap(({ schema, filter }) =>
    filter.ok ? [{ schema, condition: filter.condition }] : [],
  );
  const [first] = understood;
  if (first === undefined) {
    const failed = parsed.find(({ filter }) => !filter.ok)?.filter ?? parseFilter(wish, () => undefined);
    if (failed.ok) return ALWAYS;
    throw refusal(failed.problems);
  }
  const text = canonical(first.condition);
  const alike =
    understood.length === parsed.length && understood.every(({ condition }) => canonical(condition) === text);
  if (alike) return first.condition;
  return or(
    ...understood.map(({ schema, condition }) =>
      and(
        compare('eq', '_register', registerSlug(view, schema)),
        compare('eq', '_schema', schema.slug),
        condition,
      ),
    ),
  );
}

function parseFilter({ filter }: Wish, types: FieldTypes): ParsedFilter {
  if (typeof filter === 'string') return parseTableFilter(filter, types);
  return isQueryFilter(filter) ? parseQueryFilter(filter, types) : parseFieldFilter(filter, types);
}

function isQueryFilter(filter: QueryFilter | FieldFilter): filter is QueryFilter {
  return Array.isArray(filter);
}

/** Whether nothing is asked for of the rows. */
export function isWithoutFilter({ filter }: Wish): boolean {
  return typeof filter === 'string' ? filter === '' : Object.keys(filter).length === 0;
}

function registerSlug(view: RightsView, schema: ObjectType): string {
  return view.register(schema.register)?.slug ?? '';
}

function readableSchemas(
  view: RightsView,
  reader: Reader,
  schemas: readonly ObjectType[],
): readonly ReadableSchema[] {
  return schemas.flatMap((schema) => {
    const decision = decideRead(view, reader, schema.id);
    return decision.allowed ? [{ schema, decision }] : [];
  });
}

/** System members may be asked for where the face has them; they come, or do not come, anyway. */
function checkFields({ filter, fields = [] }: Wish, readable: readonly ReadableSchema[]): void {
  const onTable = typeof filter === 'string';
  const isKnown = (field: string): boolean => {
    if (onTable ? TABLE_NAMES.has(field) : field === 'id') return true;
    if (onTable && field.startsWith('_')) return false;
    return readable.some(({ decision }) => decision.types(field) !== undefined);
  };
  const unknown = fields.filter((field) => !isKnown(field));
  if (unknown.length === 0) return;
  throw refusal(unknown.map(unknownField));
}

const TABLE_NAMES: ReadonlySet<string> = new Set(TABLE_SYSTEM_NAMES);

function refusal(problems: Problems): TidewireError {
  const code = problems.some((problem) => problem.unknownField === true)
    ? 'UNKNOWN_FIELD'
    : 'MALFORMED_FILTER';
  return new TidewireError(code, problems.map(({ message }) => message).join('; '), {
    errors: problems.map(({ field, message }) => ({ field, message })),
  });
}
