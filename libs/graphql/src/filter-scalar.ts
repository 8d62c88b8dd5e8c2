import { OPERATOR_NAMES } from '@tidewire/condition';
import { GraphQLScalarType } from 'graphql';
import type { ConstValueNode } from 'graphql';
import type { Leaf } from './leaf.ts';
import { literalValue } from './scalar.ts';

const known = new Map<string, GraphQLScalarType>();

/**
 * A condition on a field: a value, for equality, or an object of operators. GraphQL has no input type that is one or the
 * other, so it is a scalar; what the value has to be is checked when the filter is read, in the same words on every face.
 */
export function filterScalar({ scalar, list }: Leaf): GraphQLScalarType {
  const name = `${list ? 'List' : scalar.name}Filter`;
  const made = known.get(name) ?? createFilterScalar(name, list ? 'element of the list' : scalar.name);
  known.set(name, made);
  return made;
}

/** The names of the scalars above. */
export function isFilterScalar(name: string): boolean {
  return known.has(name);
}

function createFilterScalar(name: string, about: string): GraphQLScalarType {
  return new GraphQLScalarType({
    name,
    description: `A value (${about}), which the field has to equal; or an object of operators, all of which have to hold: ${OPERATOR_NAMES.join(', ')}. Null: the field has no value.`,
    coerceOutputValue: (value) => value,
    coerceInputValue: (value) => value,
    coerceInputLiteral: (node: ConstValueNode) => literalValue(node),
  });
}
