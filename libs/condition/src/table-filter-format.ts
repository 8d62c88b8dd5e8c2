import { isVariable, type Condition, type Leaf, type Scalar } from './condition.ts';
import { formatInstant } from './instant.ts';
import { TABLE_FIELD_NAMES } from './table-filter.ts';

/**
 * The condition as a filter of the tables face, which `parseTableFilter` reads back: one condition as
 * `field:operator:value`, several as JSON, no condition as an empty text. For conditions that came from a
 * client; one on `$now` has no text and throws.
 */
export function formatTableFilter(condition: Condition): string {
  if (condition.op === 'true') return '';
  const json = toJson(condition);
  if (condition.op === 'false' || !('field' in json)) return JSON.stringify(json);
  const { field, operator, value } = json;
  if (field.includes(':') || /^[{[\s]|\s$/.test(field)) return JSON.stringify(json);
  if (value === undefined) return `${field}:${operator}`;
  const text = Array.isArray(value) ? JSON.stringify(value) : String(value);
  // Surrounding white space would be trimmed away when the text is read.
  return text === text.trimEnd() ? `${field}:${operator}:${text}` : JSON.stringify(json);
}

interface FilterTerm {
  readonly field: string;
  readonly operator: string;
  readonly value?: Scalar | readonly Scalar[];
}

type FilterJson =
  FilterTerm | { readonly and: readonly FilterJson[] } | { readonly or: readonly FilterJson[] };

function toJson(condition: Condition): FilterJson {
  switch (condition.op) {
    case 'true':
      return { and: [] };
    case 'false':
      return { field: 'id', operator: 'in', value: [] };
    case 'and':
      return { and: condition.terms.map(toJson) };
    case 'or':
      return { or: condition.terms.map(toJson) };
    default:
      return termOf(condition);
  }
}

function termOf(leaf: Leaf): FilterTerm {
  const field = clientNames.get(leaf.field) ?? leaf.field;
  switch (leaf.op) {
    case 'exists':
      return { field, operator: leaf.value ? 'isNotNull' : 'isNull' };
    case 'empty':
      return { field, operator: leaf.value ? 'isEmpty' : 'isNotEmpty' };
    case 'in':
    case 'nin':
      return {
        field,
        operator: leaf.op === 'in' ? 'in' : 'notIn',
        value: leaf.values.map((value) => plain(value, leaf.type)),
      };
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return { field, operator: leaf.op, value: leaf.value };
    default: {
      if (isVariable(leaf.value))
        throw new TypeError(`A condition on $${leaf.value.variable} has no filter text`);
      return { field, operator: leaf.op === 'ne' ? 'neq' : leaf.op, value: plain(leaf.value, leaf.type) };
    }
  }
}

const clientNames: ReadonlyMap<string, string> = new Map(
  [...TABLE_FIELD_NAMES].map(([name, field]) => [field, name]),
);

function plain(value: Scalar, type: 'instant' | undefined): Scalar {
  return type === 'instant' && typeof value === 'number' ? formatInstant(value) : value;
}
