import {
  fieldTypesOf,
  parseMatch,
  ALWAYS,
  type ConditionTemplate,
  type FieldTypes,
  type ConditionProblem,
} from '@tidewire/condition';
import { ACTIONS } from '@tidewire/contract';
import type { Action, Authorization, ObjectType, Policy, Register, Role, Rule } from '@tidewire/contract';

/** One rule, its match parsed. `public`, `authenticated` and `admin` are pseudo groups. */
export interface CompiledRule {
  readonly group: string;
  readonly condition: ConditionTemplate;
}

/** The rules that hold for a schema: its own, else its register's. */
export interface SchemaRules {
  readonly schema: ObjectType;
  readonly register: Register;
  /** An action without an entry is open to the members of the object's organisation. */
  readonly actions: ReadonlyMap<Action, readonly CompiledRule[]>;
  /** Read rules by property; one without an entry is readable with its row. */
  readonly propertyReads: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Update rules by property (create included); one without an entry is writable with its row. */
  readonly propertyUpdates: ReadonlyMap<string, readonly CompiledRule[]>;
  /** The properties in the schema's order: bit i of a field mask is property i. */
  readonly properties: readonly string[];
  readonly types: FieldTypes;
}

/** What the rules of a schema are made from. */
export interface SchemaRuleSources {
  readonly schema: ObjectType;
  readonly register: Register;
  readonly schemaPolicy: Policy;
  /** Undefined while it has not been seen. */
  readonly registerPolicy: Policy | undefined;
}

/**
 * Compiles what a schema is judged by. A schema's non-empty authorization replaces its register's as a
 * whole. Undefined (deny) when the rules would have to come from a register whose policy has not been seen, and
 * for a removed schema whose tombstone says nothing: nothing must not turn into "members of the organisation".
 */
export function compileSchemaRules(sources: SchemaRuleSources): SchemaRules | undefined {
  const { schema, register, schemaPolicy, registerPolicy } = sources;
  const own = isEmpty(schemaPolicy.authorization) ? undefined : schemaPolicy.authorization;
  if (own === undefined && (registerPolicy === undefined || schemaPolicy.removed)) return undefined;
  const authorization = own ?? registerPolicy?.authorization ?? {};
  const types = fieldTypesOf(schema.properties);
  const propertyReads = new Map<string, readonly CompiledRule[]>();
  const propertyUpdates = new Map<string, readonly CompiledRule[]>();
  for (const [name, rules] of Object.entries(schemaPolicy.properties)) {
    if (rules.read !== undefined) propertyReads.set(name, compileRules(rules.read, types));
    if (rules.update !== undefined) propertyUpdates.set(name, compileRules(rules.update, types));
  }
  return {
    schema,
    register,
    actions: compileActions(authorization, registerPolicy?.roles ?? [], types),
    propertyReads,
    propertyUpdates,
    properties: Object.keys(schema.properties),
    types,
  };
}

/**
 * Everything in a policy that cannot be understood and therefore never matches; the owner of rules refuses
 * such a policy when it is written. `types` are the schema's (for a register's policy: of no schema).
 */
export function policyProblems(
  policy: Pick<Policy, 'authorization' | 'properties'>,
  types: FieldTypes,
): readonly ConditionProblem[] {
  const authorization = policy.authorization ?? {};
  const lists = [
    ...ACTIONS.map((action) => authorization[action]),
    ...Object.values(policy.properties).flatMap((rights) => [rights.read, rights.update]),
  ];
  return lists.flatMap((rules) => (rules ?? []).flatMap((rule) => matchProblems(rule, types)));
}

function matchProblems(rule: Rule, types: FieldTypes): readonly ConditionProblem[] {
  return typeof rule === 'string' || rule.match === undefined ? [] : parseMatch(rule.match, types).problems;
}

function compileActions(
  authorization: Authorization,
  roles: readonly Role[],
  types: FieldTypes,
): ReadonlyMap<Action, readonly CompiledRule[]> {
  const actions = new Map<Action, readonly CompiledRule[]>();
  for (const action of ACTIONS) {
    const rules = authorization[action];
    const fromRoles = roleGroups(authorization, roles, action).map((group) => ({ group, condition: ALWAYS }));
    if (rules === undefined && fromRoles.length === 0) continue;
    actions.set(action, [...compileRules(rules ?? [], types), ...fromRoles]);
  }
  return actions;
}

/** The groups that hold a role with this action; a role that the register does not define grants nothing. */
function roleGroups(authorization: Authorization, roles: readonly Role[], action: Action): readonly string[] {
  const granting = new Set(roles.filter((role) => role.actions.includes(action)).map((role) => role.name));
  return Object.entries(authorization.roles ?? {}).flatMap(([role, groups]) =>
    granting.has(role) ? groups : [],
  );
}

function compileRules(rules: readonly Rule[], types: FieldTypes): readonly CompiledRule[] {
  return rules.map((rule) => {
    if (typeof rule === 'string') return { group: rule, condition: ALWAYS };
    const condition = rule.match === undefined ? ALWAYS : parseMatch(rule.match, types).condition;
    return { group: rule.group, condition };
  });
}

function isEmpty(authorization: Authorization | null): boolean {
  if (authorization === null) return true;
  const { roles, ...actions } = authorization;
  return Object.keys(actions).length === 0 && Object.keys(roles ?? {}).length === 0;
}
