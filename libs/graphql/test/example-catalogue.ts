import { propertyNameSchema, slugSchema } from '@tidewire/contract';
import type { ObjectType, Property, Register } from '@tidewire/contract';
import * as fc from 'fast-check';
import type { Catalogue } from '../src/index.ts';

/** The `number`th UUID of its kind. */
export function uuid(kind: 'register' | 'schema', number: number): string {
  return `${kind === 'register' ? '0' : '1'}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

export function register(slug: string, number = 1): Register {
  const id = uuid('register', number);
  return { kind: 'register', id, slug, title: '', description: '', version: 1, removed: false };
}

/** A schema of register 1 with one text, unless something else is said. */
export function objectType(slug: string, number = 1, members: Partial<ObjectType> = {}): ObjectType {
  return {
    kind: 'schema',
    id: uuid('schema', number),
    slug,
    register: uuid('register', 1),
    table: slug,
    title: '',
    description: '',
    properties: { titel: { type: 'string' } },
    required: [],
    version: 1,
    removed: false,
    ...members,
  };
}

/** Slugs that become each other's names, those of GraphQL, or no names at all, and others. */
export const anySlug = fc.oneof(
  fc.constantFrom(
    ...'meldingen melding meldingen-event meldingen-events melding-s mel-ding mel_ding en s a a-b a_b ab a-b-c'.split(
      ' ',
    ),
    ...'string int query subscription page-info list uuid safe-int object-action string-filter deleted-object'.split(
      ' ',
    ),
    ...'constructor to-string value-of 2e-kans 2 0--_- create-a update boss series x x-filter'.split(' '),
  ),
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/),
);

/** Names that become each other's, those of system members, or words that JavaScript gives every object. */
export const anyPropertyName = fc
  .oneof(
    fc.constantFrom(
      ...'constructor toString valueOf hasOwnProperty $and #or $event ?uuid -version é è € 名前 😀 \ud83d -__proto__'.split(
        ' ',
      ),
      ...'a-b a_b a.b a_b_2 2x 2 a aObject aObjects aObject_2 on true null type ofType'.split(' '),
      'a b',
      ' ',
      '\u2028',
    ),
    fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }),
  )
  .filter((name) => propertyNameSchema.safeParse(name).success);

const anyProperty: fc.Arbitrary<Property> = fc.oneof(
  fc.constantFrom<Property[]>(
    { type: 'string' },
    { type: 'string', format: 'date-time', description: 'When' },
    { type: 'string', format: 'uuid' },
    { type: 'string', format: 'ipv4', default: '::1' },
    { type: 'integer' },
    { type: 'integer', minimum: 0, maximum: 5 },
    { type: 'number', title: 'How much' },
    { type: 'boolean', default: false },
    { type: 'object', properties: {} },
    { type: 'array' },
    { type: 'array', items: { type: 'string', format: 'uuid' } },
    { type: 'array', items: { type: 'object' } },
  ),
);

/** What {@link catalogues} are made of. `slugs`: of schemas; the more they resemble each other, the more they collide. */
export function catalogues(slugs: fc.Arbitrary<string> = anySlug): fc.Arbitrary<Catalogue> {
  const times = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'];
  const schemas = fc.uniqueArray(
    fc.record({
      slug: slugs,
      register: fc.nat(2),
      created: fc.option(fc.constantFrom(...times), { nil: undefined }),
      properties: fc.dictionary(
        anyPropertyName,
        fc.tuple(anyProperty, fc.option(fc.nat(9), { nil: undefined })),
        {
          maxKeys: 6,
          noNullPrototype: true,
        },
      ),
    }),
    { maxLength: 8, selector: ({ slug, register: number }) => `${number}/${slug}` },
  );
  return fc
    .tuple(fc.uniqueArray(anySlug, { minLength: 3, maxLength: 3 }), schemas)
    .map(([registerSlugs, drawn]) => {
      const registers = registerSlugs.map((slug, index) => register(slug, index));
      const made = drawn.map(({ slug, register: number, created, properties }, index) => {
        const entries = Object.entries(properties).map(([name, [property, target]]) => {
          const to = target === undefined ? undefined : drawn[target];
          const relation = to && `${registerSlugs[to.register] ?? ''}/${to.slug}`;
          return [name, relation === undefined ? property : { ...property, relation }] as const;
        });
        return objectType(slug, index, {
          register: uuid('register', number),
          properties: Object.fromEntries(entries),
          required: entries.map(([name]) => name).filter((_, position) => position % 2 === 0),
          ...(created !== undefined && { created }),
        });
      });
      return { registers, schemas: made };
    });
}

/** Slugs that hardly ever collide. */
export const distinctSlug = fc
  .stringMatching(/^[b-df-hj-np-tv-z]{2}[0-9][b-df-hj-np-tv-z]{4}$/)
  .filter((slug) => slugSchema.safeParse(slug).success);
