import { filterQuery } from './filter.ts';
import type { FilterTerm } from './filter.ts';
import { Finding } from './finding.ts';
import type { Image, Schema } from './rights.ts';
import type { Ticket } from './subscriber.ts';

/** What a list gave. */
export interface Listing {
  readonly schema: Schema;
  readonly rows: readonly Image[];
  readonly total: number;
  readonly position: number;
  readonly positionId: string;
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
    const { ticket, schema, filter, fields } = request;
    const key = JSON.stringify([ticket.token, schema.id, filter, fields && [...fields]]);
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

async function fetchList(
  base: string,
  { ticket, schema, filter, fields }: ListRequest,
): Promise<Listing | RefusedListing> {
  const url = new URL(`/api/objects/${schema.register}/${schema.slug}`, base);
  url.searchParams.set('_limit', '1000');
  for (const [name, value] of filterQuery(filter)) url.searchParams.append(name, value);
  if (fields !== undefined) url.searchParams.set('_fields', [...fields].join(','));
  const headers: Record<string, string> =
    ticket.token === null ? {} : { authorization: `Bearer ${ticket.token}` };
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(url, { headers }).catch(() => undefined);
    const body: unknown = await answer?.json().catch(() => undefined);
    if (answer?.status === 200 && body !== undefined) return readListing(schema, body as Page);
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

interface Page {
  readonly results: Image[];
  readonly total: number;
  readonly _position: string;
}

function readListing(schema: Schema, { results, total, _position: positionId }: Page): Listing {
  return { schema, rows: results, total, position: Number(positionId.slice(-12)), positionId };
}
