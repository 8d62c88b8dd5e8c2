import { usesNow } from '@tidewire/condition';
import type { RightsView, SchemaRules } from '@tidewire/policy';
import type { Interest, SchemaReference } from '../fanout/subscription.ts';
import { coveredSchemas } from './resolve-topics.ts';

/** The schemas that the interests reach and whose rules on reading look at the time: their rows come and go without an event. */
export function timedSchemas(view: RightsView, interests: readonly Interest[]): SchemaReference[] {
  if (interests.every(({ kind }) => kind === 'schema')) return [];
  return coveredSchemas(view, interests)
    .filter(({ id }) => isTimed(view.rules(id)))
    .map(({ id, register }) => ({ schemaId: id, registerId: register }));
}

/** Rules are compiled once for all who ask. */
const known = new WeakMap<SchemaRules, boolean>();

function isTimed(rules: SchemaRules | undefined): boolean {
  if (rules === undefined) return false;
  const before = known.get(rules);
  if (before !== undefined) return before;
  const all = [rules.actions.get('read') ?? [], ...rules.propertyReads.values()].flat();
  const timed = all.some(({ condition }) => usesNow(condition));
  known.set(rules, timed);
  return timed;
}
