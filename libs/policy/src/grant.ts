import { and, canonical, oneOf, or, substitute, type Condition } from '@tidewire/condition';
import type { Principal } from '@tidewire/contract';
import type { CompiledRule } from './schema-rules.ts';

/** Who asks, as rules see it. */
export interface Asker {
  /** Null: anonymous. */
  readonly principal: Principal | null;
  /** The organisations whose rows are inside the boundary, the active one first. */
  readonly tenants: readonly string[];
}

/**
 * The rows inside the boundary on which at least one of the rules allows the asker. A group counts only on
 * rows of the organisation it belongs to, so `managers` of one organisation are nobody in another, an
 * ancestor included. Only good together with the boundary: what holds for all of its organisations is not
 * tied to one.
 */
export function grantedRows(rules: readonly CompiledRule[], asker: Asker): Condition {
  const everywhere = or(...conditionsOf(rules, asker, isPseudoGroup(asker)));
  const organisationsByRows = new Map<Condition, string[]>();
  const known = new Map<string, Condition>();
  for (const organisation of asker.tenants) {
    const groups = groupsIn(organisation, asker.principal);
    const rows = or(...conditionsOf(rules, asker, (group) => groups.has(group)));
    const same = known.get(canonical(rows)) ?? rows;
    known.set(canonical(rows), same);
    organisationsByRows.set(same, [...(organisationsByRows.get(same) ?? []), organisation]);
  }
  const scoped = [...organisationsByRows].map(([rows, organisations]) =>
    organisations.length === asker.tenants.length
      ? rows
      : and(oneOf('in', '_organisation', organisations), rows),
  );
  return or(everywhere, ...scoped);
}

/** Whether a rule for this group is one for the asker on the rows of an organisation inside the boundary. */
export function holdsGroup(asker: Asker, organisation: string, group: string): boolean {
  return isPseudoGroup(asker)(group) || groupsIn(organisation, asker.principal).has(group);
}

/** What the rule asks of a row, for this asker. */
export function ruleCondition({ condition }: Pick<CompiledRule, 'condition'>, asker: Asker): Condition {
  return substitute(condition, { organisation: asker.tenants[0], userId: asker.principal?.id });
}

/** Names that only the platform itself gives; a credential or membership of such a name counts for nothing. */
const PSEUDO_GROUPS: ReadonlySet<string> = new Set(['public', 'authenticated', 'admin']);

function isPseudoGroup(asker: Asker): (group: string) => boolean {
  return (group) => group === 'public' || (group === 'authenticated' && asker.principal !== null);
}

function groupsIn(organisation: string, principal: Principal | null): ReadonlySet<string> {
  const memberships = principal?.groups ?? [];
  return new Set(
    memberships
      .filter(
        (membership) => membership.organisation === organisation && !PSEUDO_GROUPS.has(membership.group),
      )
      .map((membership) => membership.group),
  );
}

function conditionsOf(
  rules: readonly CompiledRule[],
  asker: Asker,
  holds: (group: string) => boolean,
): readonly Condition[] {
  return rules.filter((rule) => holds(rule.group)).map((rule) => ruleCondition(rule, asker));
}
