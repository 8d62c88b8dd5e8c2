import { canonical } from '@tidewire/condition';
import type { Condition } from '@tidewire/condition';
import type { ObjectAction, SortType } from '@tidewire/contract';
import type { EventSelection } from '@tidewire/graphql';
import type { Decision, RightsView } from '@tidewire/policy';
import { actorOrganisations, decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Interest, SchemaReference, SortTerm, SubscriptionRequest } from '../fanout/subscription.ts';
import { resolveFilter } from './resolve-filter.ts';
import type { Wish } from './resolve-filter.ts';
import { coveredSchemas } from './resolve-topics.ts';
import { resolveSort, sortTypesOf } from './resolve-sort.ts';
import { timedSchemas } from './timed-schemas.ts';

/** Who asks for what. Looked at again each time: after a renewal the reader is another one. */
export interface Asked {
  readonly reader: Reader;
  readonly interests: readonly Interest[];
  readonly wish: Wish;
  /** Slug of the table, on the tables face. */
  readonly table?: string | undefined;
  /** What a GraphQL subscription selects. */
  readonly selection?: EventSelection | undefined;
}

/** The rights that hold now; the view is another one after the log began anew. */
interface CurrentRights {
  readonly view: RightsView;
}

/**
 * A stream's subscription as the fan-out sees it: every answer is as of the rights that hold when it is asked. There is one
 * of these per open stream, so that it refers to what is there anyway and makes no closures.
 */
export class StreamRequest implements SubscriptionRequest {
  readonly #rights: CurrentRights;
  readonly #asked: Asked;
  #filter: Condition;
  readonly sort: readonly SortTerm[] | undefined;
  readonly events: readonly ObjectAction[] | undefined;

  /** @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, BAD_REQUEST */
  constructor(rights: CurrentRights, asked: Asked, events: readonly ObjectAction[] | undefined) {
    this.#rights = rights;
    this.#asked = asked;
    this.events = events;
    this.#filter = this.#resolveFilter();
    const { reader, interests, wish } = asked;
    this.sort = resolveSort(rights.view, reader, wish.sort, coveredSchemas(rights.view, interests));
  }

  /** How the values of each term of the order are ordered; undefined: none was asked for. */
  get sortTypes(): SortType[] | undefined {
    const { view } = this.#rights;
    const { reader, interests } = this.#asked;
    return this.sort && sortTypesOf(view, reader, this.sort, coveredSchemas(view, interests));
  }

  get topics(): readonly Interest[] {
    return this.#asked.interests;
  }

  get filter(): Condition {
    return this.#filter;
  }

  get fields(): readonly string[] | undefined {
    const { selection, wish } = this.#asked;
    return selection === undefined ? wish.fields : selectedProperties(selection);
  }

  get selection(): EventSelection | undefined {
    return this.#asked.selection;
  }

  get table(): string | undefined {
    return this.#asked.table;
  }

  get actorOrganisations(): readonly string[] | 'all' {
    // These name nobody, so that their readers share a class whoever they may know.
    if (this.table !== undefined || this.selection !== undefined) return [];
    return actorOrganisations(this.#rights.view, this.#asked.reader);
  }

  decisionFor(schema: SchemaReference): Decision | undefined {
    return decideRead(this.#rights.view, this.#asked.reader, schema.schemaId);
  }

  timedSchemas(): readonly SchemaReference[] {
    return timedSchemas(this.#rights.view, this.#asked.interests);
  }

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
    const { view } = this.#rights;
    const { reader, interests, wish } = this.#asked;
    return resolveFilter(view, reader, wish, coveredSchemas(view, interests));
  }
}

/** The properties that a selection looks at; undefined: all of them, because it asks which have changed. */
function selectedProperties({ fields }: EventSelection): readonly string[] | undefined {
  if (fields.some(({ means }) => means.kind === 'changed')) return undefined;
  return fields.flatMap(({ means }) => (means.kind === 'property' ? [means.name] : []));
}
