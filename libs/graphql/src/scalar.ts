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

/** The value, or what it is where that would be long. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? value.slice(0, LONGEST_SHOWN + 1) : value;
  const json = JSON.stringify(text) ?? typeof value;
  return json.length > LONGEST_SHOWN ? `${json.slice(0, LONGEST_SHOWN)}…` : json;
}

const isText = (value: unknown): boolean => typeof value === 'string';

export const JSON_SCALAR = scalar('JSON', 'Any JSON value.', (value) => value !== undefined);
export const UUID_SCALAR = scalar(
  'UUID',
  'A UUID as text.',
  // Stored ones may have upper case, as whoever wrote them did.
  (value) => isText(value) && isUuid((value as string).toLowerCase()),
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

/**
 * The value of a literal without variables. Members are looked up as own ones only, whatever they are called.
 *
 * @throws GraphQLError for a name without quotes, and for a number that no JSON number is.
 */
export function literalValue(node: ConstValueNode): JsonValue {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.BOOLEAN:
    case Kind.STRING:
      return node.value;
    case Kind.ENUM:
      throw new GraphQLError(`A text has quotes: ${shown(node.value)}`);
    case Kind.INT:
    case Kind.FLOAT:
      return numberOf(node.value);
    case Kind.LIST:
      return node.values.map(literalValue);
    case Kind.OBJECT: {
      const members: { [name: string]: JsonValue } = Object.create(null);
      for (const { name, value } of node.fields) members[name.value] = literalValue(value);
      return members;
    }
  }
}

function numberOf(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number)) return number;
  throw new GraphQLError(`The number is too large: ${text.slice(0, LONGEST_SHOWN)}`);
}
