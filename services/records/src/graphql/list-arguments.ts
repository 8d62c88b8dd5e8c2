import { parseFieldFilter } from '@tidewire/condition';
import type { FieldTypes } from '@tidewire/condition';
import { readFilter } from '@tidewire/graphql';
import type { ObjectFields } from '@tidewire/graphql';
import {
  badParameter,
  readOrderTerms,
  readPlace,
  readSearch,
  requireFilter,
  single,
} from '../objects/list-terms.ts';
import type { AskedOrder, Entries, ListRequest } from '../objects/list-terms.ts';
import { parsePageCursor } from './page-cursor.ts';

/** The arguments of a list, as GraphQL has coerced them. Null says as much as nothing. */
export interface ListArguments {
  readonly filter?: unknown;
  readonly order?: readonly Readonly<Record<string, string>>[] | null;
  readonly search?: string | null;
  readonly first?: number | null;
  readonly after?: string | null;
  readonly offset?: number | null;
  readonly organisation?: string | null;
}

const PLACE = { limit: 'first', offset: 'offset', page: 'page', deeper: 'filter: {_created: {gt: …}}' };

/**
 * What a list's arguments ask for, in two steps: what they say by themselves, then by the types of the fields that the reader
 * may read.
 *
 * @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, or BAD_REQUEST naming the argument; GraphQLError BAD_REQUEST.
 */
export function readListArguments(
  given: ListArguments,
  fields: ObjectFields | undefined,
): (types: FieldTypes) => ListRequest {
  const entries: Entries = [
    ...numbersOf(given),
    ...(given.search ? [['search', given.search] as const] : []),
  ];
  const place = readPlace(entries, PLACE);
  const search = readSearch(entries, 'search');
  const asked = askedOrder(given, fields);
  const filter = readFilter(fields, given.filter ?? {});
  return (types) => ({
    ...place,
    search,
    filter: requireFilter(parseFieldFilter(filter, types)),
    order: readOrderTerms(asked, types),
    fields: undefined,
  });
}

/** In the words of queries, so that bounds and refusals are those of every list. */
function numbersOf({ first, after, offset }: ListArguments): (readonly [string, string])[] {
  const entries: [string, string][] = [];
  if (first !== undefined && first !== null) entries.push(['first', String(first)]);
  if (offset !== undefined && offset !== null) entries.push(['offset', String(offset)]);
  if (after !== undefined && after !== null) {
    if (single(entries, 'offset') !== undefined) {
      throw badParameter('after', 'after and offset both say where a page begins: give one of them.');
    }
    entries.push(['offset', String(parsePageCursor(after) + 1)]);
  }
  return entries;
}

function askedOrder({ order }: ListArguments, fields: ObjectFields | undefined): AskedOrder[] {
  const names = new Map(
    [...(fields?.system ?? []), ...(fields?.properties ?? [])].map(({ field, name }) => [field, name]),
  );
  return (order ?? []).flatMap((term) =>
    Object.entries(term).map(([field, direction]) => ({
      parameter: 'order',
      field,
      target: names.get(field) ?? field,
      direction,
    })),
  );
}
