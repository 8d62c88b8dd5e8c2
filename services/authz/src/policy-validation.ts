import { fieldTypesOf, parseMatch } from '@tidewire/condition';
import type { FieldTypes } from '@tidewire/condition';
import { ACTIONS, TidewireError, isStorableJson, propertyNameSchema } from '@tidewire/contract';
import type { FieldError, Policy, Rule } from '@tidewire/contract';
import { formatPointer } from '@tidewire/service-kit';

/** What a policy says, without its identity. */
export type PolicyContent = Pick<Policy, 'target' | 'authorization' | 'properties' | 'roles'>;

/** Text of the largest policy. A page of policies and every message that holds one stay far below the bus's limit. */
const MAX_POLICY_CHARACTERS = 64 * 1024;
const MAX_ERRORS = 50;

/**
 * Refuses a policy that nobody could apply as it is meant. Readers deny what they do not understand, so such a policy
 * would not leak; but whoever wrote it has to hear of it now.
 *
 * @throws TidewireError VALIDATION_ERROR with a JSON pointer per fault.
 */
export function requireValidPolicy(policy: PolicyContent): void {
  const errors = [
    ...sizeErrors(policy),
    ...authorizationErrors(policy),
    ...propertyErrors(policy),
    ...roleErrors(policy),
  ];
  if (errors.length === 0) return;
  throw new TidewireError('VALIDATION_ERROR', 'The policy is not valid.', {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

function sizeErrors(policy: PolicyContent): FieldError[] {
  const { authorization, properties, roles } = policy;
  if (!isStorableJson([authorization, properties, roles])) {
    return [{ field: '', message: 'holds "__proto__", NUL or broken Unicode' }];
  }
  const length = JSON.stringify([authorization, properties, roles]).length;
  return length <= MAX_POLICY_CHARACTERS
    ? []
    : [{ field: '', message: `is longer than ${MAX_POLICY_CHARACTERS} characters` }];
}

function authorizationErrors(policy: PolicyContent): FieldError[] {
  const authorization = policy.authorization ?? {};
  return ACTIONS.flatMap((action) => ruleErrors(authorization[action] ?? [], ['authorization', action]));
}

function propertyErrors(policy: PolicyContent): FieldError[] {
  const names = Object.keys(policy.properties);
  if (policy.target === 'register' && names.length > 0) {
    return [{ field: '/properties', message: 'rules of properties belong to a schema, not to a register' }];
  }
  return Object.entries(policy.properties).flatMap(([name, rights]) => {
    const path = ['properties', name];
    const wrong = propertyNameSchema.safeParse(name).error?.issues[0];
    return [
      ...(wrong === undefined ? [] : [{ field: formatPointer(path), message: wrong.message }]),
      ...ruleErrors(rights.read ?? [], [...path, 'read']),
      ...ruleErrors(rights.update ?? [], [...path, 'update']),
    ];
  });
}

function roleErrors(policy: PolicyContent): FieldError[] {
  if (policy.target === 'schema' && policy.roles.length > 0) {
    return [{ field: '/roles', message: 'roles are defined by a register, and granted by its schemas' }];
  }
  const seen = new Set<string>();
  return policy.roles.flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ field: formatPointer(['roles', index, 'name']), message: 'is defined twice' }];
  });
}

function ruleErrors(rules: readonly Rule[], path: readonly PropertyKey[]): FieldError[] {
  return rules.flatMap((rule, index) => {
    if (typeof rule === 'string' || rule.match === undefined) return [];
    const { problems } = parseMatch(rule.match, typesImplied(rule.match));
    return problems.map(({ field, message }) => {
      const member = Object.hasOwn(rule.match ?? {}, field) ? [field] : [];
      return { field: formatPointer([...path, index, 'match', ...member]), message };
    });
  });
}

/**
 * Types as far as the rule itself tells them: what is compared with `$now` is meant to be an instant. Whether the
 * schema agrees is checked where schemas are known; a reader denies where it does not.
 */
function typesImplied(match: Readonly<Record<string, unknown>>): FieldTypes {
  const instants = Object.entries(match).filter(([, wanted]) => JSON.stringify(wanted)?.includes('"$now"'));
  const properties = Object.fromEntries(
    instants.map(([field]) => [field, { type: 'string', format: 'date-time' }]),
  );
  return fieldTypesOf(properties);
}
