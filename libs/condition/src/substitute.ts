import {
  and,
  compare,
  isVariable,
  NEVER,
  NOW,
  oneOf,
  or,
  type Condition,
  type ConditionTemplate,
  type Leaf,
  type Scalar,
  type Variable,
  type VariableName,
} from './condition.ts';

/** Who asks. An absent value makes every leaf that refers to it false. */
export interface Asker {
  readonly organisation?: string | null | undefined;
  readonly userId?: string | null | undefined;
}

/**
 * The template with `$organisation` and `$userId` replaced by the asker's. A leaf whose variable has no
 * value never matches, negative ones included. `$now` stays: it is read when a row is judged.
 */
export function substitute(template: ConditionTemplate, asker: Asker): Condition {
  switch (template.op) {
    case 'and':
      return and(...template.terms.map((term) => substitute(term, asker)));
    case 'or':
      return or(...template.terms.map((term) => substitute(term, asker)));
    case 'in':
    case 'nin': {
      const values = template.values.map((value) => replace(value, asker));
      return values.includes(null)
        ? NEVER
        : oneOf(template.op, template.field, values as Scalar[], template.type);
    }
    case 'eq':
    case 'ne':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      if (isVariable(template.value) && template.value.variable === 'now') {
        return compare(template.op, template.field, NOW, template.type);
      }
      const value = replace(template.value, asker);
      return value === null ? NEVER : compare(template.op, template.field, value, template.type);
    }
    default:
      return template;
  }
}

/** Whether the answer for a row can change with time alone. */
export function usesNow(condition: Condition<VariableName>): boolean {
  return someLeaf(
    condition,
    (leaf) => 'value' in leaf && isVariable(leaf.value) && leaf.value.variable === 'now',
  );
}

/** The names of all fields a condition looks at, each once. */
export function fieldsOf(condition: Condition<VariableName>): ReadonlySet<string> {
  const fields = new Set<string>();
  someLeaf(condition, (leaf) => {
    fields.add(leaf.field);
    return false;
  });
  return fields;
}

function someLeaf(condition: Condition<VariableName>, test: (leaf: Leaf<VariableName>) => boolean): boolean {
  switch (condition.op) {
    case 'true':
    case 'false':
      return false;
    case 'and':
    case 'or':
      return condition.terms.some((term) => someLeaf(term, test));
    default:
      return test(condition);
  }
}

function replace(operand: Scalar | Variable, asker: Asker): Scalar | null {
  if (!isVariable(operand)) return operand;
  switch (operand.variable) {
    case 'organisation':
      return asker.organisation ?? null;
    case 'userId':
      return asker.userId ?? null;
    case 'now':
      return null;
  }
}
