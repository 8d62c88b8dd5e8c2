import { isUuid } from '@tidewire/contract';
import type { JsonValue } from '@tidewire/contract';
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import type { ConstValueNode } from 'graphql';

/** A scalar whose values are JSON values that pass a test; they are passed on as they are, in both directions. */
function scalar(name: string, description: string, accepts: (value: unknown) => boolean): GraphQLScalarType {
  const require = (value: unknown): JsonValue => {
    if (accepts(value)) return value as JsonValue;
    throw new GraphQLError(`${name} cannot represent ${shown(value)}`);
  };
  return new GraphQLScalarType({
    name,
    description,
    coerceOutputValue: require,
    coerceInputValue: require,
    coerceInputLiteral: (node) => require(literalValue(node)),
  });
}

const LONGEST_SHOWN = 80;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

const isText = (value: unknown): boolean => typeof value === 'string';

export const JSON_SCALAR = scalar('JSON', 'Any JSON value.', (value) => value !== undefined);
export const UUID_SCALAR = scalar(
  'UUID',
  'A UUID as text.',
  (value) => isText(value) && isUuid(value as string),
);
export const DATE_TIME_SCALAR = scalar('DateTime', 'Date and time as text of RFC 3339.', isText);
export const DATE_SCALAR = scalar('Date', 'A date as text: 2026-03-21.', isText);
export const TIME_SCALAR = scalar('Time', 'A time of day as text of RFC 3339.', isText);
export const EMAIL_SCALAR = scalar('Email', 'An e-mail address as text.', isText);
export const URI_SCALAR = scalar('URI', 'A URI as text.', isText);
/** GraphQL's own Int ends at 32 bits. */
export const SAFE_INT_SCALAR = scalar(
  'SafeInt',
  'A whole number between -9007199254740991 and 9007199254740991.',
  (value) => Number.isSafeInteger(value),
);

export const SCALARS = [
  JSON_SCALAR,
  UUID_SCALAR,
  DATE_TIME_SCALAR,
  DATE_SCALAR,
  TIME_SCALAR,
  EMAIL_SCALAR,
  URI_SCALAR,
  SAFE_INT_SCALAR,
] as const;

/** Names that no schema's type can have. */
export const BUILT_IN_TYPES: readonly string[] = [
  'Query',
  'Mutation',
  'Subscription',
  'String',
  'Int',
  'Float',
  'Boolean',
  'ID',
  'PageInfo',
  'OrderDirection',
  'ObjectAction',
  'ObjectTransition',
  'DeletedObject',
  ...SCALARS.map(({ name }) => name),
  ...['String', 'Int', 'Float', 'Boolean', 'List'].map((name) => `${name}Filter`),
  ...SCALARS.map(({ name }) => `${name}Filter`),
];

/** The value of a literal without variables. Members are looked up as own ones only, whatever they are called. */
export function literalValue(node: ConstValueNode): JsonValue {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.BOOLEAN:
    case Kind.STRING:
    case Kind.ENUM:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.LIST:
      return node.values.map(literalValue);
    case Kind.OBJECT: {
      const members: { [name: string]: JsonValue } = Object.create(null);
      for (const { name, value } of node.fields) members[name.value] = literalValue(value);
      return members;
    }
  }
}
