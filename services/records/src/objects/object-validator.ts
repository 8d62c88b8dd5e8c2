import { OBJECT_LIMITS } from '@tidewire/contract';
import type { FieldError, ObjectType, Property } from '@tidewire/contract';
import { formatPointer, nearestName } from '@tidewire/service-kit';
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { compilePattern } from './linear-pattern.ts';

/** Texts longer than this are not matched against a pattern but refused. */
const MAX_PATTERN_TEXT = 8192;
/** Schemas whose compiled checks are kept; the least recently used ones are compiled again. */
const MAX_SCHEMAS = 500;
const MAX_ERRORS = 50;

/** The checks of one version of a schema. */
export interface ObjectChecks {
  /** Whether the schema has a property of that name. */
  knows(name: string): boolean;
  /** What is wrong with the values of these members, as JSON pointers and plain words. Null counts as no value. */
  check(members: Readonly<Record<string, unknown>>): FieldError[];
  /** What is wrong when an object has only these members: what is required and has no value. */
  missing(members: Readonly<Record<string, unknown>>): FieldError[];
  /**
   * The members with the schema's `default` for each property that is absent, of all or of these names. Null is a value
   * here: who sends it wants none.
   */
  withDefaults(
    members: Readonly<Record<string, unknown>>,
    names?: ReadonlySet<string>,
  ): Record<string, unknown>;
}

/** Checks objects against their schemas; keeps compiled checks per schema and version. */
export class ObjectValidator {
  readonly #checks = new Map<string, ObjectChecks>();

  /** The checks of a schema, as this version of it says. */
  checksOf(schema: ObjectType): ObjectChecks {
    const key = `${schema.id} ${schema.version}`;
    const checks = this.#checks.get(key) ?? compileChecks(schema);
    this.#checks.delete(key);
    this.#checks.set(key, checks);
    if (this.#checks.size > MAX_SCHEMAS) {
      const [oldest] = this.#checks.keys();
      if (oldest !== undefined) this.#checks.delete(oldest);
    }
    return checks;
  }
}

function compileChecks(schema: ObjectType): ObjectChecks {
  const ajv = createAjv();
  const definitions = new Map(Object.entries(schema.properties));
  const defaults = Object.entries(schema.properties).filter(([, property]) => property.default !== undefined);
  const compiled = new Map<string, ValidateFunction>();
  const validatorOf = (name: string, property: Property): ValidateFunction => {
    const validate = compiled.get(name) ?? ajv.compile(jsonSchemaOf(property));
    compiled.set(name, validate);
    return validate;
  };
  return {
    knows: (name) => definitions.has(name),
    check(members) {
      const errors: FieldError[] = [];
      for (const [name, value] of Object.entries(members)) {
        if (errors.length >= MAX_ERRORS) break;
        const property = definitions.get(name);
        if (property === undefined) errors.push(unknownProperty(name, [...definitions.keys()]));
        else if (value !== null) errors.push(...violations(name, value, validatorOf(name, property)));
      }
      return errors.slice(0, MAX_ERRORS);
    },
    missing(members) {
      return schema.required
        .filter((name) => !Object.hasOwn(members, name) || members[name] === null)
        .map((name) => ({ field: formatPointer([name]), message: 'is required' }));
    },
    withDefaults(members, names) {
      const complete = Object.assign(Object.create(null) as Record<string, unknown>, members);
      for (const [name, property] of defaults)
        if (!(name in complete) && names?.has(name) !== false) complete[name] = property.default;
      return complete;
    },
  };
}

/** The same checks for a face that shows these names beside the properties: only the system writes them. */
export function withSystemNames(checks: ObjectChecks, names: ReadonlySet<string>): ObjectChecks {
  return {
    ...checks,
    check(members) {
      const given = Object.keys(members).filter((name) => names.has(name) && !checks.knows(name));
      if (given.length === 0) return checks.check(members);
      return given.map((name) => ({
        field: formatPointer([name]),
        message: `Cannot write to readonly field '${name}'`,
      }));
    },
  };
}

/** Own engine for patterns: see `linear-pattern.ts`. */
const linearEngine = Object.assign(
  (pattern: string) => {
    const linear = compilePattern(pattern);
    return { test: (text: string) => text.length <= MAX_PATTERN_TEXT && linear.test(text) };
  },
  { code: 'linearEngine' },
);

function createAjv(): Ajv {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    validateSchema: false,
    // Messages of errors are ours; ajv's repeat values.
    messages: false,
    code: { regExp: linearEngine },
  });
  formats.default(ajv);
  return ajv;
}

/** The JSON Schema of a property: titles and the like are not for checking. */
function jsonSchemaOf(property: Property): Record<string, unknown> {
  const { title: _title, description: _description, default: _default, ...keywords } = property;
  return keywords;
}

function violations(name: string, value: unknown, validate: ValidateFunction): FieldError[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => ({
    field: `${formatPointer([name])}${error.instancePath}`,
    message: inWords(error),
  }));
}

function unknownProperty(name: string, known: readonly string[]): FieldError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return { field: formatPointer([name]), message: `is not a property of this schema${hint}` };
}

type Words = (params: Readonly<Record<string, unknown>>) => string;

const WORDS: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['type', ({ type }) => `must be ${article(String(type))}`],
  ['format', ({ format }) => `must be ${FORMATS.get(String(format)) ?? `a valid ${String(format)}`}`],
  ['enum', ({ allowedValues }) => `must be one of ${list(allowedValues)}`],
  ['minimum', ({ limit }) => `must be at least ${String(limit)}`],
  ['maximum', ({ limit }) => `must be at most ${String(limit)}`],
  ['exclusiveMinimum', ({ limit }) => `must be more than ${String(limit)}`],
  ['exclusiveMaximum', ({ limit }) => `must be less than ${String(limit)}`],
  ['multipleOf', ({ multipleOf }) => `must be a multiple of ${String(multipleOf)}`],
  ['minLength', ({ limit }) => `must have at least ${count(limit, 'character')}`],
  ['maxLength', ({ limit }) => `must have at most ${count(limit, 'character')}`],
  [
    'pattern',
    ({ pattern }) => `must match ${String(pattern)} (texts of at most ${MAX_PATTERN_TEXT} characters)`,
  ],
  ['minItems', ({ limit }) => `must have at least ${count(limit, 'item')}`],
  ['maxItems', ({ limit }) => `must have at most ${count(limit, 'item')}`],
  ['uniqueItems', () => 'must not have equal items'],
  ['required', ({ missingProperty }) => `must have "${String(missingProperty)}"`],
]);

const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date-time', 'a date and time such as 2026-03-01T12:00:00Z'],
  ['date', 'a date such as 2026-03-01'],
  ['time', 'a time such as 12:00:00Z'],
  ['email', 'an e-mail address'],
  ['uri', 'a URI such as https://example.org/'],
  ['uuid', 'a UUID'],
  ['hostname', 'a host name'],
  ['ipv4', 'an IPv4 address'],
  ['ipv6', 'an IPv6 address'],
]);

function inWords(error: ErrorObject): string {
  return WORDS.get(error.keyword)?.(error.params) ?? 'is not valid';
}

function article(type: string): string {
  if (type === 'integer') return 'a whole number';
  if (type === 'boolean') return 'true or false';
  if (type === 'string') return 'a text';
  return type === 'array' ? 'a list' : `${type === 'object' ? 'an' : 'a'} ${type}`;
}

function count(limit: unknown, noun: string): string {
  return `${String(limit)} ${noun}${limit === 1 ? '' : 's'}`;
}

/** Long lists are cut: an answer must not be larger than the question. */
function list(values: unknown): string {
  const texts = Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : [];
  return texts.length > 20 ? `${texts.slice(0, 20).join(', ')} …` : texts.join(', ');
}

/** What about a value could not be stored: too deep, or a number that JavaScript and PostgreSQL read differently. */
export function storageProblems(members: Readonly<Record<string, unknown>>): FieldError[] {
  const problems: FieldError[] = [];
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (problems.length >= MAX_ERRORS) return;
    if (path.length > OBJECT_LIMITS.maxDepth) {
      problems.push({
        field: formatPointer(path),
        message: `is nested deeper than ${OBJECT_LIMITS.maxDepth}`,
      });
    } else if (typeof value === 'number' && Math.abs(value) > OBJECT_LIMITS.maxInteger) {
      problems.push({ field: formatPointer(path), message: `must be within ±${OBJECT_LIMITS.maxInteger}` });
    } else if (typeof value === 'string' && !isStorableText(value)) {
      problems.push({ field: formatPointer(path), message: 'must not contain NUL or half a character' });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (isStorableText(name)) visit(inner, [...path, name]);
        else
          problems.push({ field: formatPointer(path), message: 'has a name with NUL or half a character' });
      }
    }
  };
  visit(members, []);
  return problems;
}

function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}
