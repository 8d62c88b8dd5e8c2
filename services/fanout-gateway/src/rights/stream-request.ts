import { canonical } from '@tidewire/condition';
import type { Condition } from '@tidewire/condition';
import type { ObjectAction } from '@tidewire/contract';
import type { Decision, RightsView } from '@tidewire/policy';
import type { Interest, SchemaReference, SortTerm, SubscriptionRequest } from '../fanout/subscription.ts';
import { actorOrganisations, decideRead } from './access.ts';
import type { Reader } from './access.ts';
import { resolveFilter } from './resolve-filter.ts';
import type { Wish } from './resolve-filter.ts';
import { coveredSchemas } from './resolve-topics.ts';
import { resolveSort } from './resolve-sort.ts';
import { timedSchemas } from './timed-schemas.ts';

export interface StreamRequestOptions {
  /** The view that holds now; it is another one after the log began anew. */
  readonly view: () => RightsView;
  readonly reader: Reader;
  readonly interests: readonly Interest[];
  readonly wish: Wish;
  readonly events: readonly ObjectAction[] | undefined;
  /** Slug of the table, on the tables face. */
  readonly table?: string | undefined;
}

/** A stream's subscription as the fan-out sees it: every answer is as of the rights that hold when it is asked. */
export class StreamRequest implements SubscriptionRequest {
  readonly #options: StreamRequestOptions;
  #filter: Condition;
  readonly sort: readonly SortTerm[] | undefined;

  /** @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, BAD_REQUEST */
  constructor(options: StreamRequestOptions) {
    this.#options = options;
    const { view, reader, interests, wish } = options;
    this.#filter = this.#resolveFilter();
    this.sort = resolveSort(view(), reader, wish.sort, coveredSchemas(view(), interests));
  }

  get topics(): readonly Interest[] {
    return this.#options.interests;
  }

  get filter(): Condition {
    return this.#filter;
  }

  get fields(): readonly string[] | undefined {
    return this.#options.wish.fields;
  }

  get events(): readonly ObjectAction[] | undefined {
    return this.#options.events;
  }

  get table(): string | undefined {
    return this.#options.table;
  }

  get actorOrganisations(): readonly string[] | 'all' {
    // Changes of records name nobody, so that readers of a table share a class whoever they may know.
    if (this.table !== undefined) return [];
    return actorOrganisations(this.#options.view(), this.#options.reader);
  }

  readonly decisionFor = (schema: SchemaReference): Decision | undefined =>
    decideRead(this.#options.view(), this.#options.reader, schema.schemaId);

  readonly timedSchemas = (): readonly SchemaReference[] =>
    timedSchemas(this.#options.view(), this.#options.interests);

  /**
   * Reads the filter anew after rights or catalogue changed; says whether it is another one. One that cannot be read
   * any more stays: it is judged on what the reader may see, where a field that is gone has no value.
   */
  refreshFilter(): boolean {
    const before = canonical(this.#filter);
    try {
      this.#filter = this.#resolveFilter();
    } catch {
      return false;
    }
    return canonical(this.#filter) !== before;
  }

  #resolveFilter(): Condition {
    const { view, reader, interests, wish } = this.#options;
    const current = view();
    return resolveFilter(current, reader, wish, coveredSchemas(current, interests));
  }
}
