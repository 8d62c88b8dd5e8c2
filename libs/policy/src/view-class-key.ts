import { createHash } from 'node:crypto';
import { canonical, type Condition } from '@tidewire/condition';
import type { Granted, PropertyRights } from './decision.ts';

/** Everything that decides which bytes a subscriber gets. */
export interface ViewClass {
  readonly decision: Granted;
  /** What was asked for by topic: the rows of the subscribed objects and organisations, as a union. */
  readonly topics?: Condition;
  /** The client's filter, judged on the projected row. */
  readonly filter?: Condition;
  /** The properties asked for; absent: all. */
  readonly fields?: readonly string[];
  /** The event names asked for; absent: all. */
  readonly events?: readonly string[];
  readonly face: 'registers' | 'tables';
  /** The wire format and whatever else shapes its frames. */
  readonly wire: string;
  /** Where the frames carry it. */
  readonly subscriptionId?: string;
}

/**
 * The key of a view class: equal only for subscribers who see exactly the same bytes. SHA-256 (base64url) of
 * canonical JSON, so that no value can imitate a separator. It holds what the rules say after substitution,
 * never their names, and no time. The owner's identity is not in it: own rows are judged beside the class.
 */
export function viewClassKey(viewClass: ViewClass): string {
  const { decision, topics, filter, fields, events, face, wire, subscriptionId } = viewClass;
  const parts = [
    ['schema', decision.schema, decision.action],
    ['rows', canonical(decision.rows), canonical(decision.boundary)],
    ['tenants', ...decision.tenants],
    ['flags', decision.bypass, decision.ownerPasses],
    ['properties', ...propertyParts(decision.reads)],
    ['topics', topics === undefined ? null : canonical(topics)],
    ['filter', filter === undefined ? null : canonical(filter)],
    ['fields', fields === undefined ? null : sorted(fields)],
    ['events', events === undefined ? null : sorted(events)],
    ['wire', face, wire],
    ['subscription', subscriptionId ?? null],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** In the schema's order, because masks of one class count on it. */
function propertyParts(rights: PropertyRights): readonly (readonly [string, string])[] {
  return rights.names.map(
    (name, index) => [name, canonical(rights.conditions[index] ?? { op: 'false' })] as const,
  );
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
