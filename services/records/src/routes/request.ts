import { QUERY_PARAMETERS, TidewireError } from '@tidewire/contract';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpRequest } from '@tidewire/service-kit';
import type { CatalogueRequest } from '../catalogue/catalogue.ts';
import { badParameter, single } from '../objects/list-terms.ts';
import type { Address } from '../objects/object-access.ts';
import type { WriteRequest } from '../objects/object-writer.ts';

/** The query of a request as it was sent: names may repeat, and their order counts. */
export function queryEntries(request: HttpRequest): (readonly [string, string])[] {
  const start = request.url.indexOf('?');
  return start < 0 ? [] : [...new URLSearchParams(request.url.slice(start + 1))];
}

/** Who writes, and what the write is part of. */
export function catalogueRequest(request: HttpRequest): CatalogueRequest {
  const { correlationId, traceparent } = request;
  return { who: requirePrincipal(request), correlationId, traceparent };
}

/** The same for objects, with where they are. */
export function writeRequest(request: HttpRequest, address: Address): WriteRequest {
  return { ...catalogueRequest(request), address };
}

/** `If-Match`, which may come once. */
export function ifMatch(request: HttpRequest): string | undefined {
  const value: unknown = request.headers['if-match'];
  if (value === undefined || typeof value === 'string') return value;
  throw new TidewireError('BAD_REQUEST', 'If-Match is given more than once.');
}

/** Whether a delete leaves nothing to restore. */
export function isPermanent(request: HttpRequest): boolean {
  const name = QUERY_PARAMETERS.permanent;
  const text = single(queryEntries(request), name) ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw badParameter(name, `${name} is true or false.`);
}
