import { expect, test } from 'vitest';
import { formatMembers } from './value-type.ts';

function typeOf(definition: unknown): string {
  const text = formatMembers([{ name: 'value', isOptional: false, definition }], '');
  return /^value: ([^]*);\n$/m.exec(text)?.[1] ?? text;
}

test.each<[string, string, unknown]>([
  ['a text', 'string', { type: 'string', minLength: 1, pattern: '^a' }],
  ['a text with a format, which stays a text', 'string', { type: 'string', format: 'date-time' }],
  ['a number', 'number', { type: 'number', minimum: 0 }],
  ['a whole number', 'number', { type: 'integer', multipleOf: 5 }],
  ['yes or no', 'boolean', { type: 'boolean' }],
  ['texts of a list', "'new' | 'shipped'", { type: 'string', enum: ['new', 'shipped'] }],
  ['the same text twice', "'new'", { type: 'string', enum: ['new', 'new'] }],
  ['numbers of a list', '-1 | 2.5 | 1e+21', { type: 'number', enum: [-1, 2.5, 1e21] }],
  ['yes only', 'true', { type: 'boolean', enum: [true] }],
  ['null in a list, which no record ever holds', "'new'", { type: 'string', enum: ['new', null] }],
  ['a list of null only, which leaves nothing', 'never', { type: 'string', enum: [null] }],
  [
    'texts with quotes and line ends',
    String.raw`'it\'s' | 'a\\b' | '\u{a}\u{2028}'`,
    { type: 'string', enum: ["it's", 'a\\b', '\n\u2028'] },
  ],
  [
    'texts of other scripts, as they are',
    "'größe' | '状態' | '🦆'",
    { type: 'string', enum: ['größe', '状態', '🦆'] },
  ],
  ['a list of anything', 'unknown[]', { type: 'array' }],
  [
    'a list of texts',
    'string[]',
    { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 9 },
  ],
  ['a list of some texts', "('a' | 'b')[]", { type: 'array', items: { type: 'string', enum: ['a', 'b'] } }],
  ['a list of lists', 'number[][]', { type: 'array', items: { type: 'array', items: { type: 'number' } } }],
  ['any object', '{ [name: string]: unknown }', { type: 'object' }],
  [
    'an object of which no member is known',
    '{ [name: string]: unknown }',
    { type: 'object', properties: {} },
  ],
  [
    'an object with one member that is always there',
    "{\n  city: string;\n  'house number'?: number;\n}",
    {
      type: 'object',
      properties: { 'house number': { type: 'integer' }, 'city': { type: 'string' } },
      required: ['city'],
    },
  ],
  [
    'an object of which only the name of a member is known',
    '{\n  city: unknown;\n  [name: string]: unknown;\n}',
    { type: 'object', required: ['city'] },
  ],
  [
    'a list of objects',
    '{\n  tags?: string[];\n}[]',
    {
      type: 'array',
      items: { type: 'object', properties: { tags: { type: 'array', items: { type: 'string' } } } },
    },
  ],
  [
    'members called as members of every object are',
    '{\n  __proto__?: string;\n  constructor?: number;\n}',
    JSON.parse(
      '{"type":"object","properties":{"constructor":{"type":"number"},"__proto__":{"type":"string"}}}',
    ),
  ],
  ['a type that is not known', 'unknown', { type: 'duration' }],
  ['a keyword that is not known', 'unknown', { type: 'string', nullable: true }],
  ['a reference', 'unknown', { $ref: '#/properties/other' }],
  ['several definitions', 'unknown', { oneOf: [{ type: 'string' }] }],
  [
    'a keyword within that is not known',
    '{\n  /** Defined in a way that this version of `tidewire` does not know. */\n  a?: unknown;\n}',
    { type: 'object', properties: { a: { type: 'string', const: 'x' } } },
  ],
  ['something that is no definition', 'unknown', null],
])('%s is %s', (_name, expected, definition) => {
  expect(typeOf(definition)).toBe(expected);
});

test('a long list of values has a line for each, also within a list', () => {
  const values = Array.from({ length: 12 }, (_, index) => `value ${index + 10}`);
  const lines = values.map((value) => `\n  | '${value}'`).join('');
  expect(typeOf({ type: 'string', enum: values })).toBe(lines);
  expect(typeOf({ type: 'array', items: { type: 'string', enum: values } })).toBe(`(${lines})[]`);
});

test('members are in the order of their names, and say what the schema says of them', () => {
  const text = formatMembers(
    [
      {
        name: 'total',
        isOptional: true,
        definition: { type: 'number', title: 'Total', description: 'With taxes.\nIn euros.' },
      },
      {
        name: 'articles',
        isOptional: false,
        definition: { type: 'array', items: { type: 'string', format: 'uuid' }, relation: 'shop/articles' },
      },
      { name: 'sent', isOptional: true, definition: { type: 'string', format: 'date' } },
    ],
    '  ',
  );
  expect(text).toBe(`  /** Format of each: \`uuid\`. Relation: \`shop/articles\`. */
  articles: string[];
  /** Format: \`date\`. */
  sent?: string;
  /**
   * Total
   *
   * With taxes.
   * In euros.
   */
  total?: number;
`);
});
