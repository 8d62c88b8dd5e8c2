import { TABLE_FIELD_NAMES, parseTableFilter } from '@tidewire/condition';
import type { FieldTypes } from '@tidewire/condition';
import { TABLE_QUERY_PARAMETERS } from '@tidewire/contract';
import {
  readFieldNames,
  readOrderTerms,
  readPlace,
  readPoll,
  readSearch,
  requireFilter,
  single,
  unknownParameter,
} from '../objects/list-terms.ts';
import type { AskedOrder, Entries, ListRequest } from '../objects/list-terms.ts';
import { SYSTEM_NAMES } from './table-body.ts';

const { limit, offset, page, sort, order, search, fields, filter } = TABLE_QUERY_PARAMETERS;
const { updatedSince, includeDeleted, organisation, token } = TABLE_QUERY_PARAMETERS;
const KNOWN: readonly string[] = [
  page,
  limit,
  offset,
  sort,
  order,
  search,
  fields,
  filter,
  updatedSince,
  includeDeleted,
  organisation,
  token,
];
const POLL = { updatedSince, includeDeleted, ordering: [sort, order, offset, page] };
const PLACE = { limit, offset, page, deeper: 'createdAt:greaterThan:' };

/**
 * Reads the query of a list of records: `page`, `limit`, `offset`, `sort=a:asc,b:desc` (`order` is the direction of those
 * that have none), `q`, `fields=a,b` and `filter` in a dialect of the tables face. `createdAt`, `updatedAt` and `id` are
 * fields like any other.
 *
 * @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, or BAD_REQUEST naming the parameter.
 */
export function parseTableQuery(entries: Entries, types: FieldTypes): ListRequest {
  const unknown = entries.find(([name]) => !KNOWN.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], KNOWN);
  return {
    ...readPlace(entries, PLACE),
    poll: readPoll(entries, POLL),
    filter: requireFilter(parseTableFilter(single(entries, filter) ?? '', types)),
    search: readSearch(entries, search),
    order: readOrderTerms(askedOrder(entries), types),
    fields: readFieldNames(entries, [fields], (name) => SYSTEM_NAMES.has(name) || types(name) !== undefined),
  };
}

/** A field's name has no colon that is followed by a direction, so the last colon separates. */
function askedOrder(entries: Entries): AskedOrder[] {
  const text = single(entries, sort) ?? '';
  const rest = single(entries, order) ?? 'asc';
  return text
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map((term) => {
      const colon = term.lastIndexOf(':');
      const field = colon < 0 ? term : term.slice(0, colon);
      const direction = colon < 0 ? rest : term.slice(colon + 1);
      const target = TABLE_FIELD_NAMES.get(field) ?? field;
      return { parameter: colon < 0 ? order : sort, field, target, direction };
    });
}
