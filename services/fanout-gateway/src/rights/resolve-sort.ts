import { TABLE_FIELD_NAMES, unknownField } from '@tidewire/condition';
import type { FieldType } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import type { ObjectType, SortType } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { SortTerm } from '../fanout/subscription.ts';

/** Terms of one order. */
const MOST_TERMS = 5;

/**
 * The order of a table's records, `field:asc,other:desc` (`asc` when nothing is said), in the log's names of fields. The
 * client keeps the order; changes bring what it goes by. Undefined: none was asked for.
 *
 * @throws TidewireError UNKNOWN_FIELD for a field that is not there or that this reader may not read, in the same words;
 * BAD_REQUEST for text that cannot be read.
 */
export function resolveSort(
  view: RightsView,
  reader: Reader,
  sort: string | undefined,
  schemas: readonly ObjectType[],
): readonly SortTerm[] | undefined {
  if (sort === undefined || sort.trim() === '') return undefined;
  const texts = sort.split(',');
  if (texts.length > MOST_TERMS) throw malformed(`At most ${MOST_TERMS} fields can be sorted by`);
  const terms = texts.map(parseTerm);
  const decisions = schemas.map(({ id }) => decideRead(view, reader, id));
  const unknown = terms.filter(
    ({ name, field }) =>
      name.startsWith('_') ||
      !decisions.some((decision) => decision.allowed && decision.types(field) !== undefined),
  );
  if (unknown.length > 0) {
    const problems = unknown.map(({ name }) => unknownField(name));
    throw new TidewireError('UNKNOWN_FIELD', problems.map(({ message }) => message).join('; '), {
      errors: problems.map(({ field, message }) => ({ field, message })),
    });
  }
  return terms.map(({ field, direction }) => ({ field, direction }));
}

/** How the values of each term are ordered for this reader, who may read them. */
export function sortTypesOf(
  view: RightsView,
  reader: Reader,
  terms: readonly SortTerm[],
  schemas: readonly ObjectType[],
): SortType[] {
  const decisions = schemas.map(({ id }) => decideRead(view, reader, id));
  return terms.map(({ field }) => {
    for (const decision of decisions) {
      const type = decision.allowed ? decision.types(field) : undefined;
      if (type !== undefined) return sortTypeOf(type);
    }
    return 'none';
  });
}

/** As lists sort it (`sortKeySql`). */
export function sortTypeOf(type: FieldType): SortType {
  switch (type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
      return 'text';
    case 'boolean':
    case 'instant':
      return type;
    default:
      return 'none';
  }
}

const CLIENT_NAMES = new Map([...TABLE_FIELD_NAMES].map(([name, field]) => [field, name]));

/** The order as its client would write it. */
export function formatSort(terms: readonly SortTerm[]): string {
  return terms.map(({ field, direction }) => `${CLIENT_NAMES.get(field) ?? field}:${direction}`).join(',');
}

interface ReadTerm extends SortTerm {
  /** As the client wrote it. */
  readonly name: string;
}

function parseTerm(text: string): ReadTerm {
  const colon = text.lastIndexOf(':');
  const name = (colon === -1 ? text : text.slice(0, colon)).trim();
  const direction = colon === -1 ? 'asc' : text.slice(colon + 1).trim();
  if (name === '' || (direction !== 'asc' && direction !== 'desc')) {
    throw malformed(`A sort reads 'field:asc,other:desc', not '${text.slice(0, 100)}'`);
  }
  return { name, field: TABLE_FIELD_NAMES.get(name) ?? name, direction };
}

function malformed(message: string): TidewireError {
  return new TidewireError('BAD_REQUEST', message, { errors: [{ field: 'sort', message }] });
}
