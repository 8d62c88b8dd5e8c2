import {
  QUERY_PARAMETERS,
  TidewireError,
  entriesOfQuery,
  getRequestSchema,
  listRequestSchema,
} from '@tidewire/contract';
import type { GetRequest, ListRequest, SubscriberAddress } from '@tidewire/contract';
import { clientEndpoint } from '@tidewire/messaging';
import type { AnyClientEndpoint } from '@tidewire/messaging';
import { parseJsonRequest } from '@tidewire/service-kit';
import type { PrincipalContext } from '@tidewire/service-kit';
import { badParameter, organisationOf } from '../objects/list-terms.ts';
import type { Entries } from '../objects/list-terms.ts';
import type { Address } from '../objects/object-access.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { requireUuid } from '../objects/object-uuid.ts';
import type { TableRecords } from '../tables/table-records.ts';
import { ABSENT } from '../tables/table-refusal.ts';

export interface ReadEndpointOptions {
  /** @throws TidewireError UNAUTHORIZED for who is nobody any more. */
  readonly authenticate: (address: SubscriberAddress) => Promise<PrincipalContext>;
  readonly reader: ObjectReader;
  readonly records: TableRecords;
}

/** `read.v1.list` and `read.v1.get`: the documents that `GET` answers on the registers and the tables face. */
export function readEndpoints(options: ReadEndpointOptions): readonly AnyClientEndpoint[] {
  const { authenticate } = options;
  return [
    clientEndpoint({
      kind: 'list',
      parse: (text) => parseJsonRequest(listRequestSchema, text),
      handle: async (address, request) => await list(options, await authenticate(address), request),
    }),
    clientEndpoint({
      kind: 'get',
      parse: (text) => parseJsonRequest(getRequestSchema, text),
      handle: async (address, request) => await get(options, await authenticate(address), request),
    }),
  ];
}

async function list(
  { reader, records }: ReadEndpointOptions,
  who: PrincipalContext,
  request: ListRequest,
): Promise<unknown> {
  const place = placeOf(request);
  const entries = entriesOfQuery(request.query);
  refuseSecret(entries);
  const organisation = organisationOf(entries);
  return 'table' in place
    ? await records.list(who, place.table, entries, organisation)
    : await reader.list(who, place, entries, organisation);
}

/** The object, and beside its members the position that HTTP has in a header. */
async function get(
  { reader, records }: ReadEndpointOptions,
  who: PrincipalContext,
  request: GetRequest,
): Promise<unknown> {
  const place = placeOf(request);
  const [parameter] = entriesOfQuery(request.query);
  if (parameter !== undefined)
    throw badParameter(parameter[0], 'What is named by its id takes no parameters.');
  if ('table' in place) {
    const { record, position } = await records.get(who, place.table, requireUuid(request.id, ABSENT));
    return { ...record, position };
  }
  const { object, position } = await reader.get(who, place, requireUuid(request.id));
  return { ...object, _position: position };
}

function placeOf({ register, schema, table }: ListRequest): Address {
  if (table !== undefined && register === undefined && schema === undefined) return { table };
  if (table === undefined && register !== undefined && schema !== undefined) return { register, schema };
  throw new TidewireError('BAD_REQUEST', "Say where: 'register' and 'schema', or 'table'.");
}

/** NATS has said who asks: a secret here would be for nothing but logs of others. */
function refuseSecret(entries: Entries): void {
  const name = QUERY_PARAMETERS.token;
  if (entries.some(([given]) => given === name))
    throw badParameter(name, 'A request on NATS takes no credential.');
}
