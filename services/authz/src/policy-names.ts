import { SYSTEM_FIELD_TYPES, fieldTypesOf, parseMatch } from '@tidewire/condition';
import { ACTIONS, TidewireError } from '@tidewire/contract';
import type { FieldError, NamedProperties, Rule } from '@tidewire/contract';
import { formatPointer } from '@tidewire/service-kit';
import type { PolicyContent } from './policy-validation.ts';

type Definitions = NamedProperties['properties'][number]['definitions'];

const MAX_ERRORS = 50;

/**
 * Refuses rules that name what there is not: a property that the schema does not have or, in rules of a register, that
 * none of its schemas has; and comparisons that fit no definition of the property. Readers would let such a rule match
 * nothing, and whoever wrote it would find out late. A register without schemas has nothing to be held against.
 *
 * @throws TidewireError VALIDATION_ERROR with a JSON pointer per fault.
 */
export function requireKnownNames(policy: PolicyContent, names: NamedProperties): void {
  if (names.schemas === 0) return;
  const known = new Map(names.properties.map(({ name, definitions }) => [name, definitions]));
  const unknown =
    policy.target === 'schema'
      ? 'is no property of the schema'
      : 'is a property of no schema of the register';
  const refuse = (path: readonly PropertyKey[], message: string): FieldError => ({
    field: formatPointer(path),
    message,
  });
  const errorsOf = (rules: readonly Rule[] | undefined, path: readonly PropertyKey[]): FieldError[] =>
    membersOf(rules ?? [], path).flatMap(({ field, wanted, path: member }) => {
      const definitions = known.get(field) ?? [];
      const isSystem = SYSTEM_FIELD_TYPES.has(field);
      if (!isSystem && definitions.length === 0) return [refuse(member, unknown)];
      const misfit = misfitOf(field, wanted, definitions);
      return misfit === undefined ? [] : [refuse(member, misfit)];
    });
  const errors = [
    ...ACTIONS.flatMap((action) => errorsOf(policy.authorization?.[action], ['authorization', action])),
    ...Object.entries(policy.properties).flatMap(([name, { read, update }]) => [
      ...((known.get(name) ?? []).length === 0 ? [refuse(['properties', name], unknown)] : []),
      ...errorsOf(read, ['properties', name, 'read']),
      ...errorsOf(update, ['properties', name, 'update']),
    ]),
  ];
  if (errors.length === 0) return;
  throw new TidewireError('VALIDATION_ERROR', 'The policy is not valid.', {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

interface Member {
  readonly field: string;
  readonly wanted: unknown;
  readonly path: readonly PropertyKey[];
}

function membersOf(rules: readonly Rule[], path: readonly PropertyKey[]): readonly Member[] {
  return rules.flatMap((rule, index) =>
    typeof rule === 'string'
      ? []
      : Object.entries(rule.match ?? {}).map(([field, wanted]) => ({
          field,
          wanted,
          path: [...path, index, 'match', field],
        })),
  );
}

/** Why a comparison fits no definition of its field; of a system member there is one, which everybody knows. */
function misfitOf(field: string, wanted: unknown, definitions: Definitions): string | undefined {
  const alternatives = definitions.length === 0 ? [{}] : definitions.map((one) => ({ [field]: one }));
  const problems = alternatives.map(
    (properties) => parseMatch({ [field]: wanted }, fieldTypesOf(properties)).problems[0],
  );
  return problems.every((problem) => problem !== undefined) ? problems[0]?.message : undefined;
}
