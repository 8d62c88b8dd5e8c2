import { evaluate, fieldsOf, type Condition, type Row } from '@tidewire/condition';
import type { ExplanationStep } from '@tidewire/contract';
import { holdsGroup, ruleCondition, type Asker } from './grant.ts';
import type { RightsView } from './rights-view.ts';
import type { CompiledRule } from './schema-rules.ts';

/** For whom and with what names rules are explained. */
export interface RuleAsker extends Asker {
  readonly view: RightsView;
  /** Of a property, or of the row. */
  readonly step: 'rule' | 'property';
}

/** One rule on one row inside the boundary: `allows`, or `skips` with the group or the fields that are missing. */
export function explainRule(rule: CompiledRule, asker: RuleAsker, row: Row, nowMs: number): ExplanationStep {
  const organisation = String(row['_organisation']);
  const say = speakerFor(rule, asker);
  if (!holdsGroup(asker, organisation, rule.group)) {
    return say('skips', missingGroup(rule, asker, [organisation]));
  }
  const condition = ruleCondition(rule, asker);
  if (condition.op === 'true') return say('allows', unconditional(rule));
  const holds = (term: Condition): boolean => evaluate(term, row, { now: nowMs });
  if (holds(condition)) return say('allows', `The row matches the rule for '${rule.group}'.`);
  const fields = unmetFields(rule, condition, holds);
  return say('skips', unmatched(rule, fields), fields);
}

/**
 * Whether a rule can hold on any row: `allows` every one inside the boundary, `continues` to those that match, or
 * `skips`, because the asker has no such group there or the condition can never hold.
 */
export function explainReach(rule: CompiledRule, asker: RuleAsker): ExplanationStep {
  const { tenants, view } = asker;
  const say = speakerFor(rule, asker);
  const holding = tenants.filter((organisation) => holdsGroup(asker, organisation, rule.group));
  // Readers without a credential have no organisations, and pseudo groups everywhere.
  if (tenants.length === 0 ? !holdsGroup(asker, '', rule.group) : holding.length === 0) {
    return say('skips', missingGroup(rule, asker, tenants));
  }
  const condition = ruleCondition(rule, asker);
  if (condition.op === 'false') {
    return say(
      'skips',
      `The rule for '${rule.group}' can match no row.`,
      [...fieldsOf(rule.condition)].sort(),
    );
  }
  const limited = holding.length < tenants.length;
  if (condition.op === 'true' && !limited) return say('allows', unconditional(rule));
  const what = condition.op === 'true' ? 'holds without a condition' : 'holds where the row matches';
  const where = limited ? ` on rows of ${namesOf(view, holding)}` : '';
  return say('continues', `The rule for '${rule.group}' ${what}${where}.`, [...fieldsOf(condition)].sort());
}

/** Organisations as people call them. */
export function namesOf(view: RightsView, organisations: readonly string[]): string {
  return organisations.map((id) => `'${view.organisation(id)?.slug ?? id}'`).join(', ');
}

/** Says steps of one rule, their members always in one order. */
function speakerFor(
  rule: CompiledRule,
  { step }: RuleAsker,
): (outcome: ExplanationStep['outcome'], reason: string, fields?: readonly string[]) => ExplanationStep {
  return (outcome, reason, fields = []) => ({
    step,
    outcome,
    reason,
    rule: rule.origin,
    groups: [rule.group],
    ...(fields.length > 0 && { fields: [...fields] }),
  });
}

function missingGroup({ group }: CompiledRule, asker: RuleAsker, organisations: readonly string[]): string {
  if (asker.principal === null)
    return `The rule is for '${group}', and a reader without a credential has no group.`;
  const { id } = asker.principal;
  return `The rule is for '${group}', which '${id}' is not in, in ${namesOf(asker.view, organisations)}.`;
}

function unconditional({ group }: CompiledRule): string {
  return `The rule for '${group}' has no condition.`;
}

function unmatched({ group }: CompiledRule, fields: readonly string[]): string {
  const names = fields.map((field) => `'${field}'`).join(', ');
  return `The row does not match the rule for '${group}': ${names === '' ? 'it can match no row' : names}.`;
}

/** The fields of the terms that do not hold; of all of them where the rule could never match. */
function unmetFields(
  rule: CompiledRule,
  condition: Condition,
  holds: (term: Condition) => boolean,
): string[] {
  if (condition.op === 'false') return [...fieldsOf(rule.condition)].sort();
  const terms = condition.op === 'and' ? condition.terms.filter((term) => !holds(term)) : [condition];
  return [...new Set(terms.flatMap((term) => [...fieldsOf(term)]))].sort();
}
