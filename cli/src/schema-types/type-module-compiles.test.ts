import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReadableCatalogue } from './readable-catalogue.ts';
import { typeCheck } from './type-check-harness.ts';
import { formatTypeModule } from './type-module.ts';

const CASES = 200;

/** Texts that mean something where they are put: in names, values and comments. */
const HOSTILE = [
  '*/ export const broken = 1; /*',
  '*\u0000/',
  '@ts-expect-error',
  '@ts-nocheck',
  '\n@ts-ignore',
  '/// <reference path="x" />',
  "'",
  '"',
  '\\',
  '`${x}`',
  '\r\n',
  '\u2028',
  '\u202e',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  'new',
  'get',
  'readonly',
  'async',
  'house number',
  '1',
  '1e3',
  '-1',
  '[x: string]',
  'größe',
];
const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);

/** An object with these members, `__proto__` too. */
function objectOf<Value>(members: readonly (readonly [string, Value])[]): Record<string, Value> {
  const object = Object.create(null) as Record<string, Value>;
  for (const [name, value] of members) object[name] = value;
  return object;
}

interface Definition {
  readonly type: string;
  readonly enum?: readonly unknown[];
  readonly items?: Definition;
  readonly properties?: Readonly<Record<string, Definition>>;
}

const described = { title: text, description: text };
const optionally: { requiredKeys: ['type'] } = { requiredKeys: ['type'] };
const enumOf = (type: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Definition> =>
  fc.record(
    { type: fc.constant(type), ...described, enum: fc.uniqueArray(value, { minLength: 1, maxLength: 12 }) },
    optionally,
  );
const { definition } = fc.letrec<{ definition: Definition; members: Record<string, Definition> }>((tie) => ({
  definition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    enumOf('string', text),
    enumOf('integer', fc.integer()),
    enumOf('number', fc.double({ noNaN: true, noDefaultInfinity: true })),
    enumOf('boolean', fc.boolean()),
    fc.record(
      { type: fc.constant('string'), ...described, format: fc.constantFrom('date', 'uuid') },
      optionally,
    ),
    fc.record({ type: fc.constant('array'), ...described, items: tie('definition') }, optionally),
    fc
      .record({ type: fc.constant('object'), ...described, properties: tie('members') }, optionally)
      .chain((object) =>
        fc
          .subarray(Object.keys(object.properties ?? {}))
          .map((required): Definition => ({ ...object, required }) as Definition),
      ),
  ),
  members: fc
    .uniqueArray(fc.tuple(text, tie('definition')), { selector: ([name]) => name, maxLength: 5 })
    .map(objectOf),
}));

const slug = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/);
const catalogue: fc.Arbitrary<ReadableCatalogue> = fc.record({
  registers: fc.uniqueArray(fc.record({ slug, ...described }), {
    selector: (register) => register.slug,
    maxLength: 2,
  }),
  schemas: fc.uniqueArray(
    fc
      .record({
        table: fc.oneof(slug, fc.constantFrom('tables', 'document', 'a-b', 'a_b', 'a-b2')),
        slug,
        register: fc.constantFrom('r', '1-r'),
        ...described,
        hasRules: fc.boolean(),
        members: fc.uniqueArray(fc.tuple(text, definition), { selector: ([name]) => name, maxLength: 6 }),
      })
      .map(({ members, ...schema }) => ({
        ...schema,
        // One register has no two schemas of one slug.
        slug: `${schema.table}_${schema.slug}`,
        properties: objectOf(members),
        required: members.map(([name]) => name),
      })),
    { selector: (schema) => schema.table, minLength: 1, maxLength: 4 },
  ),
});

const PLAIN = new Map([
  ['string', '""'],
  ['integer', '1'],
  ['number', '1.5'],
  ['boolean', 'true'],
]);

/** A value of that definition, with every member that is defined, as an expression. */
function exampleOf({ type, enum: values, items, properties = {} }: Definition): string {
  if (values !== undefined) return JSON.stringify(values[0]);
  const plain = PLAIN.get(type);
  if (plain !== undefined) return plain;
  if (type === 'array') return `[${items === undefined ? '{}' : exampleOf(items)}]`;
  return membersOf(Object.entries(properties).map(([name, member]) => [name, exampleOf(member)]));
}

/** An object literal. In brackets `__proto__` is a name like any other. */
function membersOf(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, value]) => `[${JSON.stringify(name)}]: ${value}`).join(', ')}}`;
}

test('whatever names, texts and values schemas hold, the types parse, and hold records with these names and values', async () => {
  const cases = fc.sample(catalogue, CASES);
  const files = cases.map((example, index): [string, string] => {
    const records = example.schemas.map(({ table, properties }): [string, string] => {
      const fields = Object.entries(properties) as [string, Definition][];
      return [table, membersOf(fields.map(([name, field]) => [name, exampleOf(field)]))];
    });
    // A literal of objects may have no member that its type has not, and must have those that are always there.
    const use = `export const example: Tables = ${membersOf(records)};\n`;
    return [`case-${index}.ts`, `${formatTypeModule(example)}\n${use}`];
  });
  const wrong = await typeCheck(Object.fromEntries(files));
  const [, first] = /^case-(\d+)/m.exec(wrong) ?? [];
  expect(wrong, first === undefined ? '' : files[Number(first)]?.[1]).toBe('');
});

test('a record with another name, another value or without what is always there is refused', async () => {
  const properties = { status: { type: 'string', enum: ['new'] }, total: { type: 'number' } };
  const head = { slug: 'orders', table: 'orders', register: 'sales', title: '', description: '' };
  const schemas = [{ ...head, properties, required: ['status'], hasRules: true }];
  const wrong = await typeCheck({
    'types.ts': formatTypeModule({ registers: [], schemas }),
    'app.ts': [
      "import type { Orders, Registers, Tables } from './types';",
      "export const right: Orders = { status: 'new' };",
      "export const value: Tables['orders'] = { status: 'shipped' };",
      "export const name: Registers['sales']['orders'] = { status: 'new', amount: 1 };",
      'export const missing: Orders = { total: 1 };',
      "export const nothing: Orders = { status: 'new', total: undefined };",
      "export const none: Orders = { status: 'new', total: null };",
    ].join('\n'),
  });
  const places = [...wrong.matchAll(/^app\.ts\((\d+),\d+\): error (TS\d+)/gm)].map(
    ([, line, code]) => `${line} ${code}`,
  );
  expect(places).toEqual(['3 TS2322', '4 TS2353', '5 TS2741', '6 TS2375', '7 TS2322']);
});
