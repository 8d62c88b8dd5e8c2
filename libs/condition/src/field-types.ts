/** What a field holds, as far as comparing goes. `unknown`: the schema does not say. */
export type FieldType =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'instant'
  | 'object'
  | 'unknown'
  | `list of ${'string' | 'number' | 'integer' | 'boolean' | 'unknown'}`;

/**
 * The fields a client may name, with their types; undefined for every other name. Give the parsers one
 * that knows only what the principal may read: absent and unreadable fields then look the same.
 */
export type FieldTypes = (field: string) => FieldType | undefined;

/** The part of a JSON Schema property that decides its type. */
export interface PropertyType {
  readonly type?: unknown;
  readonly format?: unknown;
  readonly items?: unknown;
}

/** The members every object has beside its properties, by the names rules and rows use. */
export const SYSTEM_FIELD_TYPES: ReadonlyMap<string, FieldType> = new Map<string, FieldType>([
  ['_uuid', 'string'],
  ['_organisation', 'string'],
  ['_owner', 'string'],
  ['_register', 'string'],
  ['_schema', 'string'],
  ['_version', 'integer'],
  ['_created', 'instant'],
  ['_updated', 'instant'],
]);

/**
 * Field types of a schema: its properties (a record of JSON Schema properties; own members only) and the
 * system fields. `include` leaves out properties, for instance unreadable ones.
 */
export function fieldTypesOf(
  properties: Readonly<Record<string, PropertyType>>,
  include: (property: string) => boolean = () => true,
): FieldTypes {
  const types = new Map<string, FieldType>(SYSTEM_FIELD_TYPES);
  for (const [name, property] of Object.entries(properties)) {
    if (!SYSTEM_FIELD_TYPES.has(name) && include(name)) types.set(name, typeOf(property));
  }
  return (field) => types.get(field);
}

function typeOf(property: PropertyType): FieldType {
  switch (singleType(property.type)) {
    case 'string':
      return property.format === 'date-time' ? 'instant' : 'string';
    case 'number':
      return 'number';
    case 'integer':
      return 'integer';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    case 'array':
      return `list of ${elementType(property.items)}`;
    default:
      return 'unknown';
  }
}

/** `["string", "null"]` is a nullable string; any other union is undecided. */
function singleType(type: unknown): unknown {
  if (!Array.isArray(type)) return type;
  const others = type.filter((name) => name !== 'null');
  return others.length === 1 ? others[0] : undefined;
}

function elementType(items: unknown): 'string' | 'number' | 'integer' | 'boolean' | 'unknown' {
  const type =
    typeof items === 'object' && items !== null ? singleType((items as PropertyType).type) : undefined;
  return type === 'string' || type === 'number' || type === 'integer' || type === 'boolean'
    ? type
    : 'unknown';
}
