import { expect, test } from 'vitest';
import { newRegisterSchema, newSchemaSchema, registerPatchSchema, schemaPatchSchema } from './definition.ts';

test('texts that the database cannot store are refused before rules are set', () => {
  const properties = { a: { type: 'string' } };
  const bodies = [
    [newRegisterSchema, { slug: 'a' }],
    [registerPatchSchema, {}],
    [newSchemaSchema, { register: 'a', slug: 'a', properties }],
    [schemaPatchSchema, {}],
  ] as const;
  for (const [schema, body] of bodies) {
    expect(schema.safeParse({ ...body, title: 'a', description: 'two\nlines' }).success).toBe(true);
    for (const text of ['a\u0000b', '\ud800']) {
      expect(schema.safeParse({ ...body, title: text }).success).toBe(false);
      expect(schema.safeParse({ ...body, description: text }).success).toBe(false);
    }
  }
});
