import { readSubscription } from '@tidewire/graphql';
import type { CurrentCatalogue, GraphqlRequest, ReadSubscription } from '@tidewire/graphql';
import type { RightsView } from '@tidewire/policy';
import { knowsSchema } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Wanted } from '../transports/stream-opener.ts';

type Errors = Extract<ReadSubscription, { ok: false }>['errors'];

/** A GraphQL operation as a subscription like every other; or what is wrong with it. */
export type ReadOperation =
  { readonly ok: true; readonly wanted: Wanted } | { readonly ok: false; readonly errors: Errors };

/** Reads an operation for this reader: schemas that it may not know are not there. */
export function readOperation(
  catalogue: CurrentCatalogue,
  view: RightsView,
  reader: Reader,
  request: GraphqlRequest,
): ReadOperation {
  const read = readSubscription(catalogue.of(view), (id) => knowsSchema(view, reader, id), request);
  if (!read.ok) return read;
  const { schemaId, selection, filter = {}, actions } = read.subscription;
  return {
    ok: true,
    wanted: { from: { schemaId, selection }, wish: { filter, fields: undefined }, actions },
  };
}
