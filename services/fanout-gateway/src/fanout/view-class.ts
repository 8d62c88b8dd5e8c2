import { ALWAYS, and, compare, indexKey, or } from '@tidewire/condition';
import type { Condition, IndexKey } from '@tidewire/condition';
import type { ObjectAction } from '@tidewire/contract';
import type { EventSelection } from '@tidewire/graphql';
import { maskOf, viewClassKey } from '@tidewire/policy';
import type { FieldMask, Granted } from '@tidewire/policy';
import type { MemberSet } from '../delivery/class-set.ts';
import type { Wire } from '../delivery/connection.ts';
import type { Judgement } from './judge.ts';
import type { Interest, SchemaReference, SortTerm, SubscriptionRequest } from './subscription.ts';

/** The order that the members of a class keep records in. */
export interface ClassOrder {
  readonly terms: readonly SortTerm[];
  /** Equal for equal orders. */
  readonly text: string;
  /** Which of the terms are properties. */
  readonly fields: FieldMask;
}

/** The subscribers of one schema who see exactly the same bytes of it, their own rows aside. */
export interface ViewClass {
  readonly key: string;
  readonly schemaId: string;
  /** One member's decision stands for all: whose it is may not be read from it. */
  readonly decision: Granted;
  /** The rows of the topics. */
  readonly topics: Condition;
  /** Judged on the projected row; undefined: none. */
  readonly filter: Condition | undefined;
  /** The properties asked for; undefined: all. */
  readonly fields: FieldMask | undefined;
  readonly events: ReadonlySet<ObjectAction> | undefined;
  readonly actorOrganisations: ReadonlySet<string> | 'all';
  readonly wire: Wire;
  /** The id of its members' subscriptions, where the frames of the wire carry one; otherwise empty. */
  readonly subscription: string;
  /** Wire and subscription: frames of one text differ by nothing else. */
  readonly frameKey: string;
  /** Slug of the table, on the tables face. */
  readonly table: string | undefined;
  /** What records are sorted by, and which of it are properties; undefined: nothing was asked for. */
  readonly sort: ClassOrder | undefined;
  /** What its members select of an event; undefined: what the face tells. */
  readonly selection: EventSelection | undefined;
  /** Where an index finds it; undefined: it is tried on every event of its schema. */
  readonly indexKeys: readonly IndexKey[] | undefined;
  /** Whether no equality of what its members asked for leads to it: such classes are limited. */
  readonly scanned: boolean;
  /** Members by tick; most classes have some on one of them only. */
  readonly sets: [MemberSet | undefined, MemberSet | undefined];
  members: number;
  /** The last event that it was judged on, and what came out. */
  stamp: number;
  judgement: Judgement | 'failed' | undefined;
}

/** The rows of a schema that a request's topics hold together; undefined: none of them does. */
export function topicRows(topics: readonly Interest[], schema: SchemaReference): Condition | undefined {
  const rows: Condition[] = [];
  for (const topic of topics) {
    switch (topic.kind) {
      case 'register':
        if (topic.registerId === schema.registerId) return ALWAYS;
        break;
      case 'schema':
        if (topic.schemaId === schema.schemaId) return ALWAYS;
        break;
      case 'object':
        rows.push(compare('eq', '_uuid', topic.uuid));
        break;
      case 'organisation':
        rows.push(compare('eq', '_organisation', topic.organisationId));
        break;
    }
  }
  return rows.length === 0 ? undefined : or(...rows);
}

/**
 * Whether what was asked for must be tried on every event. An equality of the filter leads to it, and so does an
 * object's topic; register, schema and organisation do not divide their readers, and rights are not what a limit on
 * filters is about.
 */
export function isScanned({ topics, filter }: SubscriptionRequest): boolean {
  if (filter.op === 'true' || topics.every((topic) => topic.kind === 'object')) return false;
  return indexKey(filter) === undefined;
}

export interface ViewClassParts {
  readonly request: SubscriptionRequest;
  readonly decision: Granted;
  readonly topics: Condition;
  readonly wire: Wire;
  readonly subscription: string;
}

/** Everything that decides a member's bytes, as one key. */
export function keyOf({ request, decision, topics, wire, subscription }: ViewClassParts): string {
  const { filter, fields, events, sort = null, selection, actorOrganisations } = request;
  const actors = actorOrganisations === 'all' ? 'all' : [...new Set(actorOrganisations)].sort();
  return viewClassKey({
    decision,
    topics,
    filter,
    ...(fields && { fields }),
    ...(events && { events }),
    face: request.table === undefined ? 'registers' : 'tables',
    wire: JSON.stringify([wire, actors, sort, selection?.key ?? null]),
    ...(subscription !== '' && { subscriptionId: subscription }),
  });
}

/** A class without members. `weigh`: how well a field divides the classes of the schema, higher is better. */
export function createViewClass(
  key: string,
  { request, decision, topics, wire, subscription }: ViewClassParts,
  weigh: (field: string) => number,
): ViewClass {
  const { filter, fields, events, sort, actorOrganisations } = request;
  return {
    key,
    schemaId: decision.schema,
    decision,
    topics,
    filter: filter.op === 'true' ? undefined : filter,
    fields: fields && maskOf(decision.reads, fields),
    events: events && new Set(events),
    actorOrganisations: actorOrganisations === 'all' ? 'all' : new Set(actorOrganisations),
    wire,
    subscription,
    frameKey: JSON.stringify([wire, subscription]),
    table: request.table,
    sort: sort && {
      terms: sort,
      text: JSON.stringify(sort),
      fields: maskOf(
        decision.reads,
        sort.map(({ field }) => field),
      ),
    },
    selection: request.selection,
    // A superset of what it matches: the filter sees the projected row, in which fields are missing but never other.
    indexKeys: indexKey(and(decision.rows, topics, filter), weigh),
    scanned: isScanned(request),
    sets: [undefined, undefined],
    members: 0,
    stamp: 0,
    judgement: undefined,
  };
}
