import {
  fieldTypesOf,
  parseMatch,
  ALWAYS,
  type ConditionTemplate,
  type FieldTypes,
  type ConditionProblem,
} from '@tidewire/condition';
import { ACTIONS } from '@tidewire/contract';
import type {
  Action,
  Authorization,
  ObjectType,
  Policy,
  Register,
  Role,
  Rule,
  RuleReference,
} from '@tidewire/contract';

/** One rule, its match parsed. `public`, `authenticated` and `admin` are pseudo groups. */
export interface CompiledRule {
  readonly group: string;
  readonly condition: ConditionTemplate;
  /** Where it is written. */
  readonly origin: RuleReference;
}

/** The rules that hold for a schema: its own, else its register's. */
export interface SchemaRules {
  readonly schema: ObjectType;
  readonly register: Register;
  /** The policy that says who may do what with the schema's rows: its own, else its register's. */
  readonly governing: RuleReference;
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
  const governing: RuleReference =
    own === undefined
      ? { policy: 'register', id: register.id, pointer: '/authorization' }
      : { policy: 'schema', id: schema.id, pointer: '/authorization' };
  const types = fieldTypesOf(schema.properties);
  const propertyReads = new Map<string, readonly CompiledRule[]>();
  const propertyUpdates = new Map<string, readonly CompiledRule[]>();
  for (const [name, rules] of Object.entries(schemaPolicy.properties)) {
    const origin: RuleReference = {
      policy: 'schema',
      id: schema.id,
      pointer: `/properties/${escapePointer(name)}`,
    };
    if (rules.read !== undefined)
      propertyReads.set(name, compileRules(rules.read, types, at(origin, 'read')));
    if (rules.update !== undefined)
      propertyUpdates.set(name, compileRules(rules.update, types, at(origin, 'update')));
  }
  return {
    schema,
    register,
    governing,
    actions: compileActions({ authorization, roles: registerPolicy?.roles ?? [], types, governing }),
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

interface ActionSources {
  readonly authorization: Authorization;
  readonly roles: readonly Role[];
  readonly types: FieldTypes;
  readonly governing: RuleReference;
}

function compileActions({
  authorization,
  roles,
  types,
  governing,
}: ActionSources): ReadonlyMap<Action, readonly CompiledRule[]> {
  const actions = new Map<Action, readonly CompiledRule[]>();
  for (const action of ACTIONS) {
    const rules = authorization[action];
    const fromRoles = roleGrants(authorization, roles, action).map(({ role, index, group }) => ({
      group,
      condition: ALWAYS,
      origin: at(governing, 'roles', role, index),
    }));
    if (rules === undefined && fromRoles.length === 0) continue;
    actions.set(action, [...compileRules(rules ?? [], types, at(governing, action)), ...fromRoles]);
  }
  return actions;
}

/** The groups that hold a role with this action; a role that the register does not define grants nothing. */
function roleGrants(
  authorization: Authorization,
  roles: readonly Role[],
  action: Action,
): readonly { readonly role: string; readonly index: number; readonly group: string }[] {
  const granting = new Set(roles.filter((role) => role.actions.includes(action)).map((role) => role.name));
  return Object.entries(authorization.roles ?? {}).flatMap(([role, groups]) =>
    granting.has(role) ? groups.map((group, index) => ({ role, index, group })) : [],
  );
}

function compileRules(
  rules: readonly Rule[],
  types: FieldTypes,
  list: RuleReference,
): readonly CompiledRule[] {
  return rules.map((rule, index) => {
    const origin = at(list, index);
    if (typeof rule === 'string') return { group: rule, condition: ALWAYS, origin };
    const condition = rule.match === undefined ? ALWAYS : parseMatch(rule.match, types).condition;
    return { group: rule.group, condition, origin };
  });
}

/** A place below another one. */
function at(place: RuleReference, ...members: readonly (string | number)[]): RuleReference {
  const below = members.map((member) => `/${escapePointer(String(member))}`).join('');
  return { ...place, pointer: `${place.pointer}${below}` };
}

/** RFC 6901. */
function escapePointer(member: string): string {
  return member.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isEmpty(authorization: Authorization | null): boolean {
  if (authorization === null) return true;
  const { roles, ...actions } = authorization;
  return Object.keys(actions).length === 0 && Object.keys(roles ?? {}).length === 0;
}
