import {
  and,
  compare,
  exists,
  isVariable,
  NEVER,
  oneOf,
  type Comparison,
  type ConditionTemplate,
  type Scalar,
  type Variable,
  type VariableName,
} from './condition.ts';
import type { FieldTypes } from './field-types.ts';
import { parseInstant } from './instant.ts';
import { collectProblem, refuse, type ConditionProblem } from './problem.ts';

/** A rule's condition, and what in it cannot be understood; each such part never matches (fail closed). */
export interface ParsedMatch {
  readonly condition: ConditionTemplate;
  readonly problems: readonly ConditionProblem[];
}

/** The operators of a rule's `match`. */
export const MATCH_OPERATORS: readonly string[] = Object.freeze([
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$exists',
]);

/**
 * A rule's `match` object: fields joined by AND, several operators on one field too.
 * `fields` tells which ones are instants; a field it does not know is compared as it is. Never throws: an
 * unknown operator, variable or shape makes the whole rule match nothing and is listed in `problems`,
 * so that an owner of rules can refuse it when it is written.
 */
export function parseMatch(match: unknown, fields: FieldTypes): ParsedMatch {
  const problems: ConditionProblem[] = [];
  if (typeof match !== 'object' || match === null || Array.isArray(match)) {
    return {
      condition: NEVER,
      problems: [{ field: 'match', message: 'A match is an object of conditions' }],
    };
  }
  const members = Object.entries(match);
  // Whoever wrote `{}` meant some condition; a rule for every row has no match at all.
  if (members.length === 0) {
    return {
      condition: NEVER,
      problems: [{ field: 'match', message: 'A match holds at least one condition' }],
    };
  }
  const terms = members.map(
    ([field, wanted]) => collectProblem(problems, () => parseField(field, wanted, fields)) ?? NEVER,
  );
  return { condition: and<VariableName>(...terms), problems };
}

function parseField(field: string, wanted: unknown, fields: FieldTypes): ConditionTemplate {
  const type = fields(field) === 'instant' ? 'instant' : undefined;
  if (typeof wanted !== 'object' || wanted === null) {
    return compare<VariableName>('eq', field, operand(field, wanted, type), type);
  }
  const operators = Object.entries(wanted);
  if (Array.isArray(wanted) || operators.length === 0) {
    refuse(field, `'${field}' takes a value or operators (${MATCH_OPERATORS.join(' ')})`);
  }
  return and<VariableName>(...operators.map(([name, value]) => parseOperator(field, name, value, type)));
}

function parseOperator(
  field: string,
  name: string,
  value: unknown,
  type: 'instant' | undefined,
): ConditionTemplate {
  switch (name) {
    case '$eq':
    case '$ne':
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return compare<VariableName>(
        name.slice(1) as Comparison['op'],
        field,
        operand(field, value, type),
        type,
      );
    case '$in':
    case '$nin': {
      if (!Array.isArray(value)) refuse(field, `'${name}' takes a list`);
      const values = value.map((item) => listItem(field, operand(field, item, type)));
      return oneOf<VariableName>(name === '$in' ? 'in' : 'nin', field, values, type);
    }
    case '$exists':
      if (typeof value !== 'boolean') refuse(field, `'$exists' takes true or false`);
      return exists(field, value);
    default:
      return refuse(field, `Unknown operator '${name}'; known are ${MATCH_OPERATORS.join(' ')}`);
  }
}

type Operand = Scalar | Variable | null;

function operand(field: string, value: unknown, type: 'instant' | undefined): Operand {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    return type === 'instant' && value !== null
      ? refuse(field, `'${field}' is compared with a date and time`)
      : value;
  }
  if (typeof value !== 'string')
    return refuse(field, `'${field}' is compared with a text, number, true, false or null`);
  const variable = VARIABLES.get(value);
  if (variable !== undefined) return checkedVariable(field, variable, type);
  // A misspelt variable must not silently become a text that matches nothing (or, with $ne, everything).
  if (/^\$[A-Za-z]+$/.test(value)) refuse(field, `Unknown variable '${value}'`);
  if (type !== 'instant') return value;
  return parseInstant(value) ?? refuse(field, `'${field}' is compared with a date and time, not '${value}'`);
}

const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  (
    [
      ['$organisation', 'organisation'],
      ['$activeOrganisation', 'organisation'],
      ['$userId', 'userId'],
      ['$user', 'userId'],
      ['$now', 'now'],
    ] as const
  ).map(([name, variable]) => [name, Object.freeze({ variable })]),
);

function checkedVariable(field: string, variable: Variable, type: 'instant' | undefined): Variable {
  if ((variable.variable === 'now') !== (type === 'instant')) {
    refuse(
      field,
      `'${field}' cannot be compared with that variable: only a date-time property compares with $now`,
    );
  }
  return variable;
}

function listItem(field: string, value: Operand): Scalar | Variable<'organisation' | 'userId'> | null {
  if (isVariable(value) && value.variable === 'now') refuse(field, `'$now' cannot stand in a list`);
  return value as Scalar | Variable<'organisation' | 'userId'> | null;
}
