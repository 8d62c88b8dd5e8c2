import { propertySchema } from '@tidewire/contract';
import type { ObjectType, Property } from '@tidewire/contract';
import { patternProblem } from '../objects/linear-pattern.ts';
import { ObjectValidator } from '../objects/object-validator.ts';

/** Elements that must differ are compared each with each. */
const MAX_UNIQUE_ITEMS = 1000;
const MAX_NESTING = 8;

/** What is wrong with the definition of a property; the path leads from the property to the place. */
export interface PropertyProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What the shape of a definition does not say: what could cost too much, what no value could ever meet, and the same for
 * definitions nested in it.
 */
export function propertyProblems(property: Property, depth = 0): PropertyProblem[] {
  const nested: [PropertyKey[], unknown][] =
    property.items === undefined ? [] : [[['items'], property.items]];
  for (const [name, inner] of Object.entries(property.properties ?? {}))
    nested.push([['properties', name], inner]);
  const problems = [
    ...costs(property),
    ...misplaced(property),
    ...relationProblems(property, depth),
    ...contradictions(property),
    ...strayValues(property),
  ];
  if (nested.length > 0 && depth >= MAX_NESTING) {
    return [...problems, { path: [], message: `is nested more than ${MAX_NESTING} deep` }];
  }
  problems.push(...nested.flatMap(([path, inner]) => nestedProblems(path, inner, depth)));
  // Only what is otherwise in order can be applied to a value.
  return problems.length > 0 ? problems : defaultProblems(property);
}

function nestedProblems(path: readonly PropertyKey[], inner: unknown, depth: number): PropertyProblem[] {
  const parsed = propertySchema.safeParse(inner);
  const problems: readonly PropertyProblem[] = parsed.success
    ? propertyProblems(parsed.data, depth + 1)
    : parsed.error.issues;
  return problems.map((problem) => ({ path: [...path, ...problem.path], message: problem.message }));
}

function costs({ pattern, uniqueItems, maxItems }: Property): PropertyProblem[] {
  const problem = pattern === undefined ? undefined : patternProblem(pattern);
  const problems: PropertyProblem[] = problem === undefined ? [] : [{ path: ['pattern'], message: problem }];
  if (uniqueItems === true && !(maxItems !== undefined && maxItems <= MAX_UNIQUE_ITEMS)) {
    problems.push({
      path: ['uniqueItems'],
      message: `needs maxItems of at most ${MAX_UNIQUE_ITEMS} beside it`,
    });
  }
  return problems;
}

function misplaced({ items, properties, type }: Property): PropertyProblem[] {
  const problems: PropertyProblem[] = [];
  if (items !== undefined && type !== 'array') problems.push({ path: ['items'], message: 'is for arrays' });
  if (properties !== undefined && type !== 'object') {
    problems.push({ path: ['properties'], message: 'is for objects' });
  }
  return problems;
}

/** A relation holds ids of objects. That there are such objects, or such a schema, nothing makes sure. */
function relationProblems({ relation, type, format, items }: Property, depth: number): PropertyProblem[] {
  if (relation === undefined) return [];
  if (depth > 0) return [{ path: ['relation'], message: 'is for properties of the schema, not within one' }];
  const holder = type === 'array' ? items : { type, format };
  if (holder?.['type'] === 'string' && holder['format'] === 'uuid') return [];
  return [{ path: ['relation'], message: 'is for strings of format uuid, and for arrays of them' }];
}

/** Pairs of limits that leave room only when the first is below the second; equal ones do where both are inclusive. */
const LIMITS = [
  ['minimum', 'maximum', true],
  ['minimum', 'exclusiveMaximum', false],
  ['exclusiveMinimum', 'maximum', false],
  ['exclusiveMinimum', 'exclusiveMaximum', false],
  ['minLength', 'maxLength', true],
  ['minItems', 'maxItems', true],
] as const;

function contradictions(property: Property): PropertyProblem[] {
  return LIMITS.flatMap(([low, high, inclusive]) => {
    const [from, to] = [property[low], property[high]];
    if (from === undefined || to === undefined || from < to || (inclusive && from === to)) return [];
    return [{ path: [low], message: `must be ${inclusive ? 'at most' : 'less than'} ${high}` }];
  });
}

/** Values of an enumeration that are not of the property's type. Null stands for no value, whatever the type. */
function strayValues({ enum: values = [], type }: Property): PropertyProblem[] {
  return values.flatMap((value, index) => {
    const fits = type === 'integer' ? Number.isInteger(value) : typeof value === type;
    return fits || value === null ? [] : [{ path: ['enum', index], message: `is not of type ${type}` }];
  });
}

/** A default is put into objects unasked: one that the property refuses would make every such write fail. */
function defaultProblems(property: Property): PropertyProblem[] {
  if (property.default === undefined) return [];
  const checks = new ObjectValidator().checksOf({ ...NO_SCHEMA, properties: { default: property } });
  return checks.check({ default: property.default }).map(({ field, message }) => ({
    path: field
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
    message,
  }));
}

const NO_SCHEMA: ObjectType = Object.freeze({
  kind: 'schema',
  id: '',
  slug: '',
  register: '',
  table: '',
  title: '',
  description: '',
  properties: {},
  required: [],
  version: 1,
  removed: false,
});
