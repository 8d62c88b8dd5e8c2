import type { ExplainedPrincipal, ObjectAction, ObjectMessage } from '@tidewire/contract';
import type { AccessRequest, RightsView } from '@tidewire/policy';
import { identify, unavailable } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Judging } from '../fanout/judge.ts';
import type { Interest } from '../fanout/subscription.ts';
import { createViewClass, topicRows } from '../fanout/view-class.ts';
import type { ViewClass } from '../fanout/view-class.ts';
import type { Wish } from '../rights/resolve-filter.ts';
import { StreamRequest } from '../rights/stream-request.ts';

/** Who is asked about, as of the view's position. */
export interface ExplainedReader {
  readonly view: RightsView;
  readonly reader: Reader;
  /** Wall-clock milliseconds that rules on the time are judged at. */
  readonly nowMs: number;
}

/** @throws TidewireError SERVICE_UNAVAILABLE when the rights of the reader ended or were loaded anew meanwhile. */
export function describePrincipal({ view, reader }: ExplainedReader): ExplainedPrincipal {
  const principal = identify(view, reader)?.principal;
  if (principal === undefined || principal === null) throw unavailable('The rights changed meanwhile');
  const { id, name, admin, activeOrganisation, groups } = principal;
  return { id, name, admin, activeOrganisation, organisations: [...view.chainOf(principal)], groups };
}

/** What {@link explainAccess} of the policy is asked for a schema. */
export function readRequest({ view, reader }: ExplainedReader, schema: string): AccessRequest {
  const identity = identify(view, reader);
  return {
    view,
    principal: identity?.principal ?? null,
    scopes: identity?.scopes ?? null,
    schema,
    action: 'read',
  };
}

/** How the fan-out judges for one reader, whose own rows pass. */
export function judgingOf({ nowMs, reader }: ExplainedReader): Judging {
  return { nowMs, ownerId: reader.principalId ?? undefined };
}

/** What a subscription asks for. */
export interface SubscriptionParts {
  readonly interests: readonly Interest[];
  readonly wish: Wish;
  readonly events: readonly ObjectAction[] | undefined;
  readonly table?: string | undefined;
}

/** Everything of the interests. */
export const NO_WISH: Pick<SubscriptionParts, 'wish' | 'events'> = Object.freeze({
  wish: Object.freeze({ filter: [], fields: undefined }),
  events: undefined,
});

/**
 * Judges events as the fan-out does for a subscription of this reader: with the very same classes.
 *
 * @throws TidewireError UNKNOWN_FIELD, MALFORMED_FILTER, as subscribing does.
 */
export function createJudgedClasses(
  explained: ExplainedReader,
  parts: SubscriptionParts,
): (message: ObjectMessage) => ViewClass | undefined {
  const request = new StreamRequest(explained, { ...parts, reader: explained.reader }, parts.events);
  const known = new Map<string, ViewClass | undefined>();
  return ({ schema, register }) => {
    if (known.has(schema.id)) return known.get(schema.id);
    const reference = { schemaId: schema.id, registerId: register.id };
    const decision = request.decisionFor(reference);
    const topics = topicRows(parts.interests, reference);
    const viewClass =
      decision?.allowed === true && topics !== undefined
        ? createViewClass('explained', { request, decision, topics, wire: 'sse', subscription: '' }, () => 0)
        : undefined;
    known.set(schema.id, viewClass);
    return viewClass;
  };
}
