import { evaluate, type Row } from '@tidewire/condition';
import type {
  AccessExplanation,
  Action,
  ExplanationStep,
  PropertyExplanation,
  RuleReference,
} from '@tidewire/contract';
import { isReading, isRemoved, tenantRows, tenantsFor, type AccessRequest } from './decide-access.ts';
import { explainReach, explainRule, namesOf, type RuleAsker } from './explain-rule.ts';
import type { CompiledRule, SchemaRules } from './schema-rules.ts';
import { scopeAllows, scopeRows } from './scope.ts';

/** A row, and the moment it is judged at (epoch milliseconds). */
interface Judged {
  readonly row: Row;
  readonly nowMs: number;
}

/**
 * What {@link decideAccess} decides for one row, said with its reasons: `allowed` is `isVisibleAt`, and the allowed
 * properties of an allowed row are `visibleFields` (for writing, those that may be written). `allowed` exactly when no
 * step stops, and then at least one allows. Steps are in the order in which they are asked, rules in that of the policy,
 * properties in that of the schema. Reasons name fields and groups, never a value of the row.
 */
export function explainAccess(request: AccessRequest, row: Row, nowMs: number): AccessExplanation {
  const rules = request.view.rules(request.schema);
  const judged = { row, nowMs };
  const steps = entrySteps(request, rules, row);
  if (rules === undefined || steps.some(stops)) return conclude(steps, []);
  if (request.principal?.admin === true) {
    return conclude(
      steps,
      rules.properties.map((name) => ({ name, allowed: true, reason: EVERYTHING, steps: [] })),
    );
  }
  const owner = ownerStep(request, row);
  steps.push(...owner, ...actionSteps(request, rules, judged, owner.some(allows)));
  if (steps.some(stops)) return conclude(steps, []);
  return conclude(steps, propertiesOf(request, rules, judged));
}

/**
 * Which of the rules for an action can hold for a principal at all, in the order of the policy: `skips` says that one
 * never does, whatever the row. Empty where no rule is asked: for administrators, unknown schemas, and actions without
 * rules.
 */
export function explainRules(request: AccessRequest): readonly ExplanationStep[] {
  const rules = request.view.rules(request.schema);
  if (rules === undefined || request.principal?.admin === true) return [];
  const asker = askerOf(request, 'rule');
  return listsOf(rules, request.action).flatMap(
    ({ rules: list }) => list?.map((rule) => explainReach(rule, asker)) ?? [],
  );
}

const EVERYTHING = 'Administrators read and write every property.';

function allows({ outcome }: ExplanationStep): boolean {
  return outcome === 'allows';
}

function stops({ outcome }: ExplanationStep): boolean {
  return outcome === 'stops';
}

function conclude(
  steps: readonly ExplanationStep[],
  properties: readonly PropertyExplanation[],
): AccessExplanation {
  const stopped = steps.find(stops);
  const decided = stopped ?? steps.find(allows);
  return {
    allowed: stopped === undefined,
    reason: decided?.reason ?? '',
    steps: [...steps],
    properties: [...properties],
  };
}

/** Everything that is asked before owner and rules; the last one says why, when it is not passed. */
function entrySteps(request: AccessRequest, rules: SchemaRules | undefined, row: Row): ExplanationStep[] {
  const { principal, action } = request;
  const scopes = request.scopes ?? null;
  if (rules === undefined) return [{ step: 'schema', outcome: 'stops', reason: unknownSchema(request) }];
  if (principal?.removed === true) {
    return [{ step: 'principal', outcome: 'stops', reason: `'${principal.id}' was removed.` }];
  }
  if (!scopeAllows(scopes, action)) {
    return [{ step: 'scope', outcome: 'stops', reason: `The credential is not for the action '${action}'.` }];
  }
  if (isRemoved(rules) && !isReading(action)) {
    return [
      { step: 'schema', outcome: 'stops', reason: 'The schema was deleted: nothing is written to it.' },
    ];
  }
  const steps: ExplanationStep[] = [];
  if (scopes?.topics !== undefined) {
    const inside = evaluate(scopeRows(scopes, rules), row);
    const topics = scopes.topics.map((topic) => `'${topic}'`).join(', ');
    const reason = `The credential is limited to ${topics === '' ? 'no topic' : topics}, and the row is ${inside ? '' : 'not '}there.`;
    steps.push({ step: 'scope', outcome: inside ? 'continues' : 'stops', reason });
    if (!inside) return steps;
  }
  if (principal?.admin === true) return [...steps, administratorStep(request, row)];
  return [
    ...steps,
    { step: 'administrator', outcome: 'skips', reason: 'Not an administrator.' },
    tenantStep(request, row),
  ];
}

function unknownSchema({ view, schema }: AccessRequest): string {
  if (view.schema(schema) === undefined) return 'There is no such schema.';
  return 'The rules of the schema have not been seen yet, so nothing is allowed.';
}

function administratorStep({ organisation }: AccessRequest, row: Row): ExplanationStep {
  const chosen = organisation === undefined || row['_organisation'] === organisation;
  return chosen
    ? { step: 'administrator', outcome: 'allows', reason: 'Administrators see every row.' }
    : {
        step: 'administrator',
        outcome: 'stops',
        reason: 'The row is of another organisation than the chosen one.',
      };
}

function tenantStep(request: AccessRequest, row: Row): ExplanationStep {
  const { view, principal, action } = request;
  const { tenants } = askerOf(request, 'rule');
  const inside = evaluate(tenantRows(principal, action, tenants), row);
  return {
    step: 'tenant',
    outcome: inside ? 'continues' : 'stops',
    reason: inside ? `The row is of ${organisationOf(request, row)}.` : outside(),
  };

  function outside(): string {
    if (principal === null) {
      return isReading(action) ? 'The row has no organisation.' : 'Without a credential nothing is written.';
    }
    if (tenants.length === 0) return `'${principal.id}' has no active organisation.`;
    const own = `'${principal.id}' ${isReading(action) ? 'reads rows' : 'writes rows'} of ${namesOf(view, tenants)}`;
    return `${own}; this row is of ${organisationOf(request, row)}.`;
  }
}

function organisationOf({ view }: AccessRequest, row: Row): string {
  const organisation = row['_organisation'];
  return typeof organisation === 'string' ? namesOf(view, [organisation]) : 'no organisation';
}

/** Owning opens rows, never properties; nobody owns what is not there yet. */
function ownerStep({ principal, action }: AccessRequest, row: Row): ExplanationStep[] {
  if (principal === null || action === 'create') return [];
  const owns = row['_owner'] === principal.id;
  return [
    {
      step: 'owner',
      outcome: owns ? 'allows' : 'skips',
      reason: owns ? `'${principal.id}' owns the row.` : `'${principal.id}' does not own the row.`,
    },
  ];
}

interface RuleList {
  readonly action: Action;
  readonly rules: readonly CompiledRule[] | undefined;
  readonly origin: RuleReference;
}

/** The lists of rules, each of which has to let a row pass: what is listed must be readable too. */
function listsOf(rules: SchemaRules, action: Action): readonly RuleList[] {
  const list = (name: Action): RuleList => {
    const found = rules.actions.get(name);
    const { governing } = rules;
    return {
      action: name,
      rules: found,
      origin: found === undefined ? governing : { ...governing, pointer: `${governing.pointer}/${name}` },
    };
  };
  if (action !== 'list') return [list(action)];
  return rules.actions.has('list') ? [list('read'), list('list')] : [list('read')];
}

/** `owned`: the row passes whatever the rules say, so that none of them stops it. */
function actionSteps(
  request: AccessRequest,
  rules: SchemaRules,
  judged: Judged,
  owned: boolean,
): ExplanationStep[] {
  const steps: ExplanationStep[] = [];
  const lists = listsOf(rules, request.action);
  for (const list of lists) {
    const found = listSteps(request, list, judged);
    const passed = found.some(allows);
    // One list of several is not enough by itself.
    const isLast = list === lists.at(-1);
    steps.push(
      ...found.map((step) => (allows(step) && !isLast ? { ...step, outcome: 'continues' as const } : step)),
    );
    if (passed || owned) continue;
    steps.push(refusal(list));
    return steps;
  }
  return steps;
}

function listSteps(
  request: AccessRequest,
  { action, rules, origin }: RuleList,
  judged: Judged,
): ExplanationStep[] {
  const asker = askerOf(request, 'rule');
  if (rules !== undefined) return rules.map((rule) => explainRule(rule, asker, judged.row, judged.nowMs));
  if (request.principal === null) return [];
  const reason = `There are no rules for '${action}': members of the row's organisation pass.`;
  return [{ step: 'rule', outcome: 'allows', reason, rule: origin }];
}

function refusal({ action, rules, origin }: RuleList): ExplanationStep {
  return { step: 'rule', outcome: 'stops', reason: why(), rule: origin };

  function why(): string {
    if (rules === undefined) return `There are no rules for '${action}', and only members pass without one.`;
    if (rules.length === 0) return `The list of rules for '${action}' is empty, which lets nobody pass.`;
    return `None of the rules for '${action}' lets the row pass.`;
  }
}

function propertiesOf(request: AccessRequest, rules: SchemaRules, judged: Judged): PropertyExplanation[] {
  const ruled = isReading(request.action) ? rules.propertyReads : rules.propertyUpdates;
  const asker = askerOf(request, 'property');
  return rules.properties.map((name) => {
    const own = ruled.get(name);
    if (own === undefined)
      return { name, allowed: true, reason: 'It has no rules and goes with its row.', steps: [] };
    const steps = own.map((rule) => explainRule(rule, asker, judged.row, judged.nowMs));
    const allowing = steps.find(allows);
    const reason = allowing?.reason ?? (own.length === 0 ? NOBODY : 'None of its rules allows it.');
    return { name, allowed: allowing !== undefined, reason, steps };
  });
}

const NOBODY = 'Its list of rules is empty, which lets nobody pass.';

function askerOf({ view, principal, action }: AccessRequest, step: RuleAsker['step']): RuleAsker {
  const tenants = principal === null ? [] : tenantsFor(action, view.chainOf(principal));
  return { view, principal, tenants, step };
}
