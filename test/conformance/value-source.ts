import type { Random } from '../oracle/random.ts';
import type { ApiDocument, JsonSchema } from './api-document.ts';

/** Texts that have broken parsers, queries, logs and prototypes before. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e',
  '__proto__',
  'constructor',
  'toString',
  "' or 1=1 --",
  '"; drop table objects',
  '%',
  '%s%n',
  '$1',
  '\\',
  '../../etc/passwd',
  '*',
  '>',
  'a.b.*',
  '[object Object]',
  'NaN',
  '-0',
  '1e400',
  '99999999999999999999',
  '0x10',
  'null',
  'true',
  '2026-02-30T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  'evt-',
  'evt-zzzzzzzz-999999999999',
  'evt-00000000-000000000000',
  '[1,2',
  '{"and":[]}',
  '{"and":[{"field":"a","operator":"b","value":{}}]}',
  'é'.repeat(100),
  '💥',
  'x'.repeat(5000),
];

const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  -(2 ** 63),
  1e308,
  [],
  {},
  [[]],
  [null],
  { $ref: '#' },
  { __proto__: null, constructor: 1 },
  ...HOSTILE_TEXTS,
];

const FORMATS: Readonly<Record<string, readonly string[]>> = {
  'uuid': ['550e8400-e29b-41d4-a716-446655440000', '00000000-0000-4000-8000-000000000000'],
  'date-time': ['2026-03-21T12:00:00.000Z', '2030-01-01T00:00:00+02:00', '1970-01-01T00:00:00Z'],
  'email': ['jan@example.org'],
  'uri': ['https://example.org/a'],
};

/** Paths of pages, which nothing else looks like. */
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  [String.raw`^\/`]: ['/', '/dashboard', '/a/b?c=d#e'],
};

const DEEPEST = 6;

/** Values that fit a schema, and near misses. */
export class ValueSource {
  readonly #document: ApiDocument;
  readonly #random: Random;
  /** The probability that a part of a value is something else than its schema says. */
  mischief = 0;

  constructor(document: ApiDocument, random: Random) {
    this.#document = document;
    this.#random = random;
  }

  value(given: JsonSchema, depth = 0): unknown {
    const random = this.#random;
    if (random.chance(this.mischief)) return random.pick(HOSTILE_VALUES);
    const schema = this.#document.resolve(given);
    if (depth > DEEPEST) return null;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return random.pick(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.value(random.pick(choices), depth + 1);
    if (schema.allOf !== undefined) {
      return Object.assign({}, ...schema.allOf.map((part) => this.value(part, depth + 1))) as unknown;
    }
    const type = typeof schema.type === 'string' ? schema.type : random.pick(schema.type ?? ['string']);
    switch (type) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'integer':
      case 'number':
        return this.#number(schema, type === 'integer');
      case 'boolean':
        return random.chance(0.5);
      case 'null':
        return null;
      default:
        return this.text(schema);
    }
  }

  text(schema: JsonSchema): string {
    const known = FORMATS[schema.format ?? ''] ?? PATTERNS[schema.pattern ?? ''];
    if (known !== undefined) return this.#random.pick(known);
    return this.#random.pick([
      'a',
      'abc',
      'nieuw',
      'slug-1',
      'name',
      'Een titel',
      'x'.repeat(schema.maxLength ?? 60),
    ]);
  }

  #object(schema: JsonSchema, depth: number): Record<string, unknown> {
    const random = this.#random;
    const entries: [string, unknown][] = [];
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      const wanted = schema.required?.includes(name) === true ? 1 - this.mischief : 0.4;
      if (random.chance(wanted)) entries.push([name, this.value(part, depth + 1)]);
    }
    const more = schema.additionalProperties;
    if (typeof more === 'object') {
      for (let count = random.below(3); count > 0; count -= 1) {
        entries.push([random.pick(['titel', 'status', 'aantal', 'p1']), this.value(more, depth + 1)]);
      }
    }
    if (random.chance(this.mischief)) {
      entries.push([
        random.pick(['__proto__', 'constructor', '_version', 'id', '', 'x'.repeat(300)]),
        this.value({}),
      ]);
    }
    // As own members, whatever they are called.
    const object = Object.create(null) as Record<string, unknown>;
    for (const [name, value] of entries) object[name] = value;
    return object;
  }

  #array(schema: JsonSchema, depth: number): unknown[] {
    const least = schema.minItems ?? 0;
    const length = this.#random.chance(this.mischief) ? 200 : least + this.#random.below(3);
    return Array.from({ length: Math.min(length, schema.maxItems ?? 1000) }, () =>
      this.value(schema.items ?? {}, depth + 1),
    );
  }

  #number(schema: JsonSchema, whole: boolean): number {
    const least = schema.minimum ?? 0;
    const most = Math.min(schema.maximum ?? least + 100, least + 100);
    const value = least + this.#random.next() * (most - least);
    return whole ? Math.round(value) : value;
  }
}
