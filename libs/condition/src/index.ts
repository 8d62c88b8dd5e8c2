export {
  ALWAYS,
  and,
  canonical,
  compare,
  empty,
  exists,
  isVariable,
  matchText,
  NEVER,
  NOW,
  oneOf,
  or,
  type Comparison,
  type Condition,
  type ConditionTemplate,
  type Constant,
  type Group,
  type Leaf,
  type ListVariable,
  type Membership,
  type OperandType,
  type Presence,
  type Scalar,
  type TextMatch,
  type Variable,
  type VariableName,
} from './condition.ts';
export { compareText } from './compare.ts';
export { evaluateDuring } from './during.ts';
export { evaluate, fieldValue, type EvaluationContext, type Row } from './evaluate.ts';
export { parseFieldFilter } from './field-filter.ts';
export {
  fieldTypesOf,
  SYSTEM_FIELD_TYPES,
  type FieldType,
  type FieldTypes,
  type PropertyType,
} from './field-types.ts';
export { indexKey, type IndexKey } from './index-key.ts';
export { formatInstant, parseInstant } from './instant.ts';
export { FILTER_LIMITS } from './limits.ts';
export { unknownField, type ParsedFilter, type ConditionProblem } from './problem.ts';
export { OPERATOR_NAMES } from './operator.ts';
export { parseQueryFilter, RESERVED_QUERY_NAMES } from './query-filter.ts';
export { MATCH_OPERATORS, parseMatch, type ParsedMatch } from './rule-match.ts';
export { compileSql, guardField, objectFields, quoteLiteral } from './sql.ts';
export type { SqlField, SqlOptions } from './sql-field.ts';
export { sortKeySql } from './sql-sort.ts';
export { fieldsOf, substitute, usesNow, type Asker } from './substitute.ts';
export { formatTableFilter } from './table-filter-format.ts';
export { parseTableFilter, TABLE_FIELD_NAMES } from './table-filter.ts';
