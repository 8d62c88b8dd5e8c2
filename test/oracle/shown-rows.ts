import type { Interest } from './expectation.ts';
import { rowToldBy, rowUnderKeys, selectedRowOf } from './graphql-face.ts';
import type { Listing } from './lists.ts';
import type { Image, Schema } from './rights.ts';
import type { ReceivedEvent } from './transport.ts';

/** An event at its place in the log. */
export interface Told {
  readonly event: ReceivedEvent;
  readonly sequence: number;
}

/** The rows that a client shows: what it fetched, and what it was told since. */
export class ShownRows {
  readonly #interest: Interest;
  #rows = new Map<string, Image>();
  /** By schema, the place that its list was of. */
  #listed = new Map<string, number>();
  /** Not applied yet. */
  #since: Told[] = [];

  constructor(interest: Interest) {
    this.#interest = interest;
  }

  /** Takes what lists say in place of what it had. Events that a list includes are not applied to its rows. */
  restart(listings: readonly Listing[]): void {
    this.#rows = new Map();
    this.#listed = new Map();
    const { graphql } = this.#interest;
    for (const { schema, rows, position, face } of listings) {
      this.#listed.set(schema.id, position);
      for (const row of rows) {
        const isSelected = graphql !== undefined && face === 'graphql';
        const shown = isSelected ? rowUnderKeys(graphql, row['fields'] as Image) : row;
        this.#rows.set(String(row['id']), shown);
      }
    }
  }

  told(told: Told): void {
    this.#since.push(told);
  }

  /** What was told and not applied yet is worth nothing. */
  discard(): void {
    this.#since = [];
  }

  view(schemaOf: (register: string, schema: string) => Schema | undefined): ReadonlyMap<string, Image> {
    for (const { event, sequence } of this.#since) {
      const data = this.#read(event);
      const { table, graphql } = this.#interest;
      const schema = table ?? graphql?.schema ?? schemaOf(data.register ?? '', data.schema ?? '');
      if (sequence <= (this.#listed.get(schema?.id ?? '') ?? 0)) continue;
      if (data.object === undefined) this.#rows.delete(data.uuid);
      else this.#put(data.uuid, data.object);
    }
    this.#since = [];
    return this.#rows;
  }

  #read({ name, text }: ReceivedEvent): EventBody {
    const { table, graphql } = this.#interest;
    if (table !== undefined) return readRecordEvent(text);
    if (graphql === undefined) return readObjectEvent(text);
    // What GraphQL selects may be followed over other transports as well.
    if (name === 'next') return rowToldBy(graphql, text);
    const { uuid, object } = readObjectEvent(text);
    return { uuid, object: object && this.#shown(object) };
  }

  #shown(row: Image): Image {
    const { graphql } = this.#interest;
    return graphql === undefined ? row : selectedRowOf(graphql, row);
  }

  #put(uuid: string, row: Image): void {
    // Records have no version, and what GraphQL calls so may be anything: of them the order of the log tells all.
    if (this.#interest.graphql !== undefined) {
      this.#rows.set(uuid, row);
      return;
    }
    const known = this.#rows.get(uuid)?.['_version'];
    if (typeof known !== 'number' || known < Number(row['_version'])) this.#rows.set(uuid, row);
  }
}

interface EventBody {
  readonly uuid: string;
  readonly register?: string;
  readonly schema?: string;
  readonly object?: Image | undefined;
}

function readObjectEvent(text: string): EventBody {
  return (JSON.parse(text) as { readonly data: EventBody }).data;
}

function readRecordEvent(text: string): EventBody {
  const { recordId, record } = JSON.parse(text) as { readonly recordId: string; readonly record?: Image };
  return { uuid: recordId, object: record };
}
