import { VariablesInAllowedPositionRule, getNamedType, specifiedRules, validate } from 'graphql';
import type { DocumentNode, GraphQLError, GraphQLSchema, ValidationContext, ValidationRule } from 'graphql';
import { asBadRequest } from './document.ts';
import { isFilterScalar } from './filter-scalar.ts';

/** Errors of one document that are told. */
const MOST_ERRORS = 10;

/**
 * GraphQL's own rule, with one exception: where a field's condition is expected, a variable may have the type of the field,
 * `$status: String` for a StringFilter. What it holds is checked when the filter is read.
 */
const VariablesWhereAllowedRule: ValidationRule = (context: ValidationContext) =>
  VariablesInAllowedPositionRule(
    new Proxy(context, {
      get: (target, property) => {
        if (property === 'getRecursiveVariableUsages') {
          const usages: ValidationContext['getRecursiveVariableUsages'] = (operation) =>
            target
              .getRecursiveVariableUsages(operation)
              .filter(
                ({ type }) => type === undefined || type === null || !isFilterScalar(getNamedType(type).name),
              );
          return usages;
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  );

const RULES: readonly ValidationRule[] = specifiedRules.map((rule) =>
  rule === VariablesInAllowedPositionRule ? VariablesWhereAllowedRule : rule,
);

/** What is wrong with a document; empty: nothing. */
export function documentErrors(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  return validate(schema, document, RULES, { maxErrors: MOST_ERRORS }).map(asBadRequest);
}
