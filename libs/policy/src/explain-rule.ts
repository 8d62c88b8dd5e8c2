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
  const members = membersOf(rule, asker);
  if (!holdsGroup(asker, organisation, rule.group)) {
    return { ...members, outcome: 'skips', reason: missingGroup(rule, asker, [organisation]) };
  }
  const condition = ruleCondition(rule, asker);
  if (condition.op === 'true') return { ...members, outcome: 'allows', reason: unconditional(rule) };
  if (evaluate(condition, row, { now: nowMs })) {
    return { ...members, outcome: 'allows', reason: `The row matches the rule for '${rule.group}'.` };
  }
  const fields = unmetFields(rule, condition, (term) => evaluate(term, row, { now: nowMs }));
  return { ...members, outcome: 'skips', reason: unmatched(rule, fields), fields };
}

/**
 * Whether a rule can hold on any row: `allows` every one inside the boundary, `continues` to those that match, or
 * `skips`, because the asker has no such group there or the condition can never hold.
 */
export function explainReach(rule: CompiledRule, asker: RuleAsker): ExplanationStep {
  const members = membersOf(rule, asker);
  const everywhere = asker.tenants.length === 0;
  const holding = asker.tenants.filter((organisation) => holdsGroup(asker, organisation, rule.group));
  if (everywhere ? !holdsGroup(asker, '', rule.group) : holding.length === 0) {
    return { ...members, outcome: 'skips', reason: missingGroup(rule, asker, asker.tenants) };
  }
  const condition = ruleCondition(rule, asker);
  if (condition.op === 'false') {
    const fields = [...fieldsOf(rule.condition)].sort();
    return { ...members, outcome: 'skips', reason: `The rule for '${rule.group}' can match no row.`, fields };
  }
  const limited = holding.length < asker.tenants.length;
  const where = limited ? ` on rows of ${namesOf(asker.view, holding)}` : '';
  if (condition.op === 'true' && !limited) {
    return { ...members, outcome: 'allows', reason: unconditional(rule) };
  }
  const what = condition.op === 'true' ? 'holds without a condition' : 'holds where the row matches';
  const fields = [...fieldsOf(condition)].sort();
  const reason = `The rule for '${rule.group}' ${what}${where}.`;
  return { ...members, outcome: 'continues', reason, ...(fields.length > 0 && { fields }) };
}

/** Organisations as people call them. */
export function namesOf(view: RightsView, organisations: readonly string[]): string {
  return organisations.map((id) => `'${view.organisation(id)?.slug ?? id}'`).join(', ');
}

function membersOf(
  rule: CompiledRule,
  { step }: RuleAsker,
): Pick<ExplanationStep, 'step' | 'rule' | 'groups'> {
  return { step, rule: rule.origin, groups: [rule.group] };
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
