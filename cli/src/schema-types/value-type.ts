import { propertyWithRulesSchema } from '@tidewire/contract';
import type { PropertyWithRules } from '@tidewire/contract';
import { formatComment, formatLiteral, formatName } from './source-text.ts';

/** Longer unions have a line for each of their values, so that a changed value is a changed line. */
const LONGEST_UNION = 80;
const INDENT = '  ';

/** Something with a name in an interface or an object type. */
export interface Member {
  readonly name: string;
  readonly isOptional: boolean;
  /** Of a schema's property, as the server has it. */
  readonly definition: unknown;
}

/**
 * The members, one below the other, in the order of their names. A definition with a keyword or type that this version does
 * not know is `unknown`: the keyword may be what allows another value.
 */
export function formatMembers(members: readonly Member[], indent: string): string {
  return members
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, isOptional, definition }) => {
      const key = `${formatName(name)}${isOptional ? '?' : ''}`;
      const type = formatValueType(definition, indent);
      return `${formatComment(describe(definition), indent)}${indent}${key}: ${type};\n`;
    })
    .join('');
}

/** What contains others is read from the definition itself: what was parsed has lost members called `__proto__`. */
type Definition = { readonly properties?: object; readonly items?: unknown };

function readProperty(definition: unknown): PropertyWithRules | undefined {
  return propertyWithRulesSchema.safeParse(definition).data;
}

/** The type of a property's values. No value is ever null: null takes a value away. */
function formatValueType(definition: unknown, indent: string): string {
  const property = readProperty(definition);
  if (property === undefined) return 'unknown';
  if (property.enum !== undefined) return formatUnion(property.enum, indent);
  const { items, properties } = definition as Definition;
  switch (property.type) {
    case 'string':
    case 'boolean':
      return property.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return formatArray(items, indent);
    case 'object':
      return formatObject(properties, property.required, indent);
  }
}

function formatUnion(values: NonNullable<PropertyWithRules['enum']>, indent: string): string {
  const literals = new Set<string>();
  for (const value of values) {
    if (value !== null) literals.add(typeof value === 'string' ? formatLiteral(value) : String(value));
  }
  if (literals.size === 0) return 'never';
  const line = [...literals].join(' | ');
  if (line.length <= LONGEST_UNION) return line;
  return [...literals].map((literal) => `\n${indent}${INDENT}| ${literal}`).join('');
}

function formatArray(items: unknown, indent: string): string {
  const element = formatValueType(items, indent);
  return readProperty(items)?.enum === undefined ? `${element}[]` : `(${element})[]`;
}

/**
 * The members that are known. Others may be there where the definition lists none; where it lists some, they are left out,
 * so that a name that is no longer known is an error where it is used.
 */
function formatObject(properties: object = {}, required: readonly string[] = [], indent: string): string {
  const known = new Map<string, unknown>(Object.entries(properties));
  const members = [...new Set([...known.keys(), ...required])].map((name) => ({
    name,
    isOptional: !required.includes(name),
    definition: known.get(name),
  }));
  if (members.length === 0) return '{ [name: string]: unknown }';
  const rest = known.size === 0 ? `${indent}${INDENT}[name: string]: unknown;\n` : '';
  return `{\n${formatMembers(members, indent + INDENT)}${rest}${indent}}`;
}

function describe(definition: unknown): readonly string[] {
  if (definition === undefined) return [];
  const property = readProperty(definition);
  if (property === undefined) return ['Defined in a way that this version of `tidewire` does not know.'];
  const { title = '', description = '', format, relation, items = {} } = property;
  const notes = [
    ...(format === undefined ? [] : [`Format: \`${format}\`.`]),
    ...(typeof items['format'] === 'string' ? [`Format of each: \`${items['format']}\`.`] : []),
    ...(relation === undefined ? [] : [`Relation: \`${relation}\`.`]),
  ];
  return [title, description, notes.join(' ')];
}
