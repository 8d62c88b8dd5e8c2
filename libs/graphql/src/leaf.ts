import type { JsonValue, Property, SystemField } from '@tidewire/contract';
import { GraphQLBoolean, GraphQLFloat, GraphQLInt, GraphQLList, GraphQLString } from 'graphql';
import type { GraphQLScalarType } from 'graphql';
import {
  DATE_SCALAR,
  DATE_TIME_SCALAR,
  EMAIL_SCALAR,
  JSON_SCALAR,
  SAFE_INT_SCALAR,
  TIME_SCALAR,
  UUID_SCALAR,
  URI_SCALAR,
} from './scalar.ts';

/** What a value without members of its own is in GraphQL: a scalar, or a list of one. */
export interface Leaf {
  readonly scalar: GraphQLScalarType;
  readonly list: boolean;
}

/** The same as a type, of values that come in and go out. */
export type LeafType = GraphQLScalarType | GraphQLList<GraphQLScalarType>;

/** The type of a property. What GraphQL has no type for, objects and lists of them above all, is JSON. */
export function leafOf(property: Property): Leaf {
  if (property.type !== 'array') return { scalar: scalarOf(property), list: false };
  const { items = {} } = property;
  const scalar = SCALAR_TYPES.has(items['type']) ? scalarOf(items as Property) : JSON_SCALAR;
  return { scalar, list: true };
}

const SCALAR_TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean']);

const SYSTEM_SCALARS: Readonly<Record<SystemField, GraphQLScalarType>> = {
  _uuid: UUID_SCALAR,
  _register: GraphQLString,
  _schema: GraphQLString,
  _organisation: UUID_SCALAR,
  _owner: GraphQLString,
  _version: GraphQLInt,
  _created: DATE_TIME_SCALAR,
  _updated: DATE_TIME_SCALAR,
};

/** System members that an object always has. */
export const NEVER_NULL: ReadonlySet<SystemField> = new Set([
  '_uuid',
  '_register',
  '_schema',
  '_version',
  '_created',
  '_updated',
]);

export function systemLeaf(name: SystemField): Leaf {
  return { scalar: SYSTEM_SCALARS[name], list: false };
}

export function leafType({ scalar, list }: Leaf): LeafType {
  return list ? new GraphQLList(scalar) : scalar;
}

/**
 * Whether a stored value is one of this type. Rows that were written as plain SQL, or before their schema was changed, may
 * hold what is none: it cannot be told then.
 */
export function fitsLeaf({ scalar, list }: Leaf, value: JsonValue): boolean {
  if (value === null) return true;
  if (list) return Array.isArray(value) && value.every((item) => item === null || fitsScalar(scalar, item));
  return fitsScalar(scalar, value);
}

function fitsScalar(scalar: GraphQLScalarType, value: JsonValue): boolean {
  // The built-in ones would make a text of a number.
  switch (scalar) {
    case GraphQLString:
      return typeof value === 'string';
    case GraphQLBoolean:
      return typeof value === 'boolean';
    case GraphQLInt:
      return Number.isInteger(value) && isInt32(value as number);
    case GraphQLFloat:
      return typeof value === 'number';
    default:
      try {
        scalar.coerceOutputValue(value);
        return true;
      } catch {
        return false;
      }
  }
}

function isInt32(number: number): boolean {
  return number >= -(2 ** 31) && number < 2 ** 31;
}

const FORMATS: ReadonlyMap<string, GraphQLScalarType> = new Map([
  ['date-time', DATE_TIME_SCALAR],
  ['date', DATE_SCALAR],
  ['time', TIME_SCALAR],
  ['email', EMAIL_SCALAR],
  ['uri', URI_SCALAR],
  ['uuid', UUID_SCALAR],
]);

function scalarOf(property: Property): GraphQLScalarType {
  switch (property.type) {
    case 'string':
      return FORMATS.get(property.format ?? '') ?? GraphQLString;
    case 'boolean':
      return GraphQLBoolean;
    case 'number':
      return GraphQLFloat;
    case 'integer':
      return isSmall(property) ? GraphQLInt : SAFE_INT_SCALAR;
    case 'array':
    case 'object':
      return JSON_SCALAR;
  }
}

/** Whether the definition keeps a whole number within GraphQL's Int. */
function isSmall({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Property): boolean {
  return (
    isInt32(minimum ?? exclusiveMinimum ?? -Infinity) && isInt32(maximum ?? exclusiveMaximum ?? Infinity)
  );
}
