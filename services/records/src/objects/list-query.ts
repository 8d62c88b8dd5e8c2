import { parseQueryFilter } from '@tidewire/condition';
import type { FieldTypes } from '@tidewire/condition';
import { QUERY_PARAMETERS } from '@tidewire/contract';
import {
  badParameter,
  readFieldNames,
  readOrderTerms,
  readPlace,
  readPoll,
  readSearch,
  requireFilter,
  unknownParameter,
} from './list-terms.ts';
import type { AskedOrder, Entries, ListRequest } from './list-terms.ts';

const { limit, offset, page, order, search, fields, organisation, updatedSince, includeDeleted } =
  QUERY_PARAMETERS;
const KNOWN: readonly string[] = [
  limit,
  offset,
  page,
  order,
  search,
  fields,
  organisation,
  updatedSince,
  includeDeleted,
];
const POLL = { updatedSince, includeDeleted, ordering: [order, offset, page] };
const PLACE = { limit, offset, page, deeper: 'filter[_created][gt]' };

/**
 * Reads the query of a list. `types` knows the fields that the reader may read on at least one row: absent and unreadable
 * ones are refused with the same text.
 *
 * @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, or BAD_REQUEST naming the parameter.
 */
export function parseListQuery(entries: Entries, types: FieldTypes): ListRequest {
  refuseUnknownParameters(entries);
  return {
    ...readPlace(entries, PLACE),
    poll: readPoll(entries, POLL),
    filter: requireFilter(parseQueryFilter(entries, types)),
    search: readSearch(entries, search),
    order: readOrderTerms(askedOrder(entries), types),
    fields: readFieldNames(
      entries,
      [fields, `${fields}[]`],
      (name) => name === 'id' || types(name) !== undefined,
    ),
  };
}

function refuseUnknownParameters(entries: Entries): void {
  for (const [name] of entries) {
    const base = /^[^[]*/.exec(name)?.[0] ?? name;
    if (base.startsWith('_') && !KNOWN.includes(base)) throw unknownParameter(base, KNOWN);
  }
}

function askedOrder(entries: Entries): AskedOrder[] {
  const asked: AskedOrder[] = [];
  for (const [name, value] of entries) {
    if (name !== order && !name.startsWith(`${order}[`)) continue;
    const field = /^_order\[(.+)\]$/.exec(name)?.[1];
    if (field === undefined) throw badParameter(name, `${order} is written ${order}[field]=asc or desc.`);
    const target = field === 'id' ? '_uuid' : field;
    asked.push({ parameter: name, field, target, direction: value });
  }
  return asked;
}
