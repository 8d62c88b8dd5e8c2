import { ALWAYS, and, canonical, compare, or, parseQueryFilter } from '@tidewire/condition';
import type { Condition, ParsedFilter } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import type { ObjectType } from '@tidewire/contract';
import type { Granted, RightsView } from '@tidewire/policy';
import { decideRead } from './access.ts';
import type { Reader } from './access.ts';

/** What a subscriber asks for beside its topics. */
export interface Wish {
  readonly filter: readonly (readonly [name: string, value: string])[];
  readonly fields: readonly string[] | undefined;
}

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
  if (wish.filter.length === 0 && wish.fields === undefined) return ALWAYS;
  const readable = readableSchemas(view, reader, schemas);
  checkFields(wish.fields ?? [], readable);
  const parsed = readable.map((each) => ({
    ...each,
    filter: parseQueryFilter(wish.filter, each.decision.types),
  }));
  const understood = parsed.flatMap(({ schema, filter }) =>
    filter.ok ? [{ schema, condition: filter.condition }] : [],
  );
  const [first] = understood;
  if (first === undefined) {
    const failed =
      parsed.find(({ filter }) => !filter.ok)?.filter ?? parseQueryFilter(wish.filter, () => undefined);
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

function checkFields(fields: readonly string[], readable: readonly ReadableSchema[]): void {
  const unknown = fields.filter(
    (field) => field !== 'id' && !readable.some(({ decision }) => decision.types(field) !== undefined),
  );
  if (unknown.length === 0) return;
  throw refusal(
    unknown.map((field) => ({ field, message: `Unknown field '${field}'`, unknownField: true as const })),
  );
}

function refusal(problems: Problems): TidewireError {
  const code = problems.some(({ unknownField }) => unknownField === true)
    ? 'UNKNOWN_FIELD'
    : 'MALFORMED_FILTER';
  return new TidewireError(code, problems.map(({ message }) => message).join('; '), {
    errors: problems.map(({ field, message }) => ({ field, message })),
  });
}
