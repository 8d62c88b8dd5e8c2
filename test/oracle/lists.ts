import { filterQuery } from './filter.ts';
import type { FilterTerm } from './filter.ts';
import { Finding } from './finding.ts';
import type { Image, Schema } from './rights.ts';
import type { Ticket } from './tickets.ts';
import { tableFilter } from './table-face.ts';
import type { Face } from './transport.ts';
import { askGraphql, readConnection } from './graphql-answers.ts';
import type { GraphqlListQuery } from './graphql-query.ts';

/** What a list gave. */
export interface Listing {
  /** In whose words the rows are. */
  readonly face: Face;
  readonly schema: Schema;
  readonly rows: readonly Image[];
  readonly total: number;
  readonly position: number;
  readonly positionId: string;
  /** Errors about fields, which are too many to be told. */
  readonly errorsLeftOut?: number;
}

/** A list that was refused: the schema or a field of the filter is not there for this reader. */
export interface RefusedListing {
  readonly schema: Schema;
  readonly status: number;
  readonly body: unknown;
}

export interface ListRequest {
  readonly ticket: Ticket;
  readonly schema: Schema;
  readonly filter: readonly FilterTerm[];
  readonly fields: ReadonlySet<string> | undefined;
  readonly face: Face;
  readonly order?: readonly OrderTerm[];
  /** Text to be found in any property that may be read. */
  readonly search?: string | undefined;
  /** On the face of GraphQL, the document that says all this. */
  readonly query?: GraphqlListQuery | undefined;
}

/** A field to sort by. */
export interface OrderTerm {
  readonly field: string;
  readonly descending: boolean;
}

const AT_ONCE = 6;
const RETRY_MS = 25;
const MOST_RETRIES = 1200;

/** The lists of one moment, when nothing is written: whoever asks for the same gets the same answer. */
export class Lists {
  readonly #base: string;
  readonly #known = new Map<string, Promise<Listing | RefusedListing>>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(base: string) {
    this.#base = base;
  }

  get count(): number {
    return this.#known.size;
  }

  read(request: ListRequest): Promise<Listing | RefusedListing> {
    const { ticket, schema, filter, fields, face, order, search, query } = request;
    const asked = [filter, fields && [...fields], face, order, search, query?.query, query?.variables];
    const key = JSON.stringify([ticket.headers, schema.id, ...asked]);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#inTurn(() => fetchList(this.#base, request));
      this.#known.set(key, known);
    }
    return known;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= AT_ONCE) await new Promise<void>((wake) => this.#waiting.push(wake));
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Whether a list was given. */
export function isListing(listing: Listing | RefusedListing): listing is Listing {
  return 'rows' in listing;
}

function urlOf(base: string, request: ListRequest): URL {
  const { schema, filter, fields, face, order = [], search } = request;
  const isTable = face === 'table';
  const path = isTable
    ? `/api/tables/${schema.table}/records`
    : `/api/objects/${schema.register}/${schema.slug}`;
  const url = new URL(path, base);
  const set = (table: string, objects: string, value: string | undefined): void => {
    if (value !== undefined) url.searchParams.set(isTable ? table : objects, value);
  };
  set('limit', '_limit', '1000');
  set('fields', '_fields', fields === undefined ? undefined : [...fields].join(','));
  set('q', '_search', search);
  const directions = order.map(({ field, descending }) => [field, descending ? 'desc' : 'asc'] as const);
  if (isTable) {
    if (order.length > 0) url.searchParams.set('sort', directions.map((one) => one.join(':')).join(','));
    if (filter.length > 0) url.searchParams.set('filter', tableFilter(schema, filter));
    return url;
  }
  for (const [field, direction] of directions) url.searchParams.append(`_order[${field}]`, direction);
  for (const [name, value] of filterQuery(filter)) url.searchParams.append(name, value);
  return url;
}

async function fetchList(base: string, request: ListRequest): Promise<Listing | RefusedListing> {
  const { ticket, schema, face, query } = request;
  if (query !== undefined) return readConnection(query, await askGraphql(base, ticket, query));
  const url = urlOf(base, request);
  const { headers } = ticket;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(url, { headers }).catch(() => undefined);
    const body: unknown = await answer?.json().catch(() => undefined);
    if (answer?.status === 200 && body !== undefined) return readListing(schema, face, body);
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
      return { schema, status: answer.status, body };
    }
    if (attempt > MOST_RETRIES)
      throw new Finding('loss', `the list ${url.pathname} does not come: ${answer?.status}`);
    await new Promise((wake) => {
      setTimeout(wake, RETRY_MS);
    });
  }
}

interface ObjectPage {
  readonly results: Image[];
  readonly total: number;
  readonly _position: string;
}

interface RecordPage {
  readonly records: Image[];
  readonly pagination: { readonly total: number };
  readonly position: string;
}

function readListing(schema: Schema, face: Face, body: unknown): Listing {
  if (face === 'objects') {
    const { results: rows, total, _position: positionId } = body as ObjectPage;
    return { schema, face, rows, total, position: Number(positionId.slice(-12)), positionId };
  }
  const { records: rows, pagination, position: positionId } = body as RecordPage;
  const { total } = pagination;
  return { schema, face, rows, total, position: Number(positionId.slice(-12)), positionId };
}
