import type { ObjectType, Property } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { schemaState } from '../../test/rights.ts';
import { ObjectValidator } from './object-validator.ts';

function schemaWith(properties: Record<string, Property>, required: string[] = [], version = 1): ObjectType {
  return { ...schemaState, properties, required, version };
}

function messages(property: Property, value: unknown): string[] {
  const checks = new ObjectValidator().checksOf(schemaWith({ a: property }));
  return checks.check({ a: value }).map(({ field, message }) => `${field} ${message}`);
}

test('accepts what fits and says in plain words what does not', () => {
  for (const [property, good, bad, message] of [
    [{ type: 'string' }, 'x', 1, '/a must be a text'],
    [{ type: 'integer' }, 1, 1.5, '/a must be a whole number'],
    [{ type: 'number' }, 1.5, '1', '/a must be a number'],
    [{ type: 'boolean' }, true, 'true', '/a must be true or false'],
    [{ type: 'array' }, [], {}, '/a must be a list'],
    [{ type: 'object' }, {}, [], '/a must be an object'],
    [{ type: 'string', format: 'date-time' }, '2026-03-01T12:00:00Z', '2026-03-01', 'date and time such as'],
    [{ type: 'string', format: 'email' }, 'a@b.nl', 'a', 'an e-mail address'],
    [{ type: 'string', enum: ['x', 'y'] }, 'x', 'z', '/a must be one of "x", "y"'],
    [{ type: 'number', multipleOf: 0.5 }, 1.5, 1.2, '/a must be a multiple of 0.5'],
    [{ type: 'string', minLength: 1 }, 'x', '', '/a must have at least 1 character'],
    [{ type: 'array', maxItems: 2 }, [1], [1, 2, 3], '/a must have at most 2 items'],
    [{ type: 'array', items: { type: 'string' } }, ['x'], ['x', 1], '/a/1 must be a text'],
    [{ type: 'array', uniqueItems: true, maxItems: 9 }, [1, 2], [1, 1], '/a must not have equal items'],
    [{ type: 'object', required: ['b'] }, { b: 1 }, {}, '/a must have "b"'],
  ] as const satisfies readonly (readonly [unknown, unknown, unknown, string])[]) {
    expect(messages(property as unknown as Property, good)).toEqual([]);
    expect(messages(property as unknown as Property, bad).join('\n')).toContain(message);
  }
});

test('no message repeats a value', () => {
  const property: Property = { type: 'string', pattern: '^a$', maxLength: 3, format: 'uuid' };
  expect(messages(property, 'secret-value').join('\n')).not.toContain('secret-value');
});

test('a hostile text does not keep a pattern busy', () => {
  const started = performance.now();
  expect(messages({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(8000)}!`)).toHaveLength(1);
  expect(messages({ type: 'string', pattern: '^(a+)+$' }, 'a'.repeat(200_000))).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(2000);
});

test('an unknown property is refused with the nearest known name, whatever names JavaScript knows', () => {
  const checks = new ObjectValidator().checksOf(schemaWith({ titel: { type: 'string' } }));
  expect(checks.check({ titl: 'x' })[0]?.message).toContain('did you mean "titel"?');
  expect(checks.check({ constructor: 'x', toString: 1 }).map(({ field }) => field)).toEqual([
    '/constructor',
    '/toString',
  ]);
});

test('null is no value: it fits every property and no requirement', () => {
  const checks = new ObjectValidator().checksOf(schemaWith({ a: { type: 'string' } }, ['a']));
  expect(checks.check({ a: null })).toEqual([]);
  expect(checks.missing({ a: null })).toEqual([{ field: '/a', message: 'is required' }]);
  expect(checks.missing({ a: '' })).toEqual([]);
});

test('a new version of a schema is checked by its own properties', () => {
  const validator = new ObjectValidator();
  expect(validator.checksOf(schemaWith({ a: { type: 'string' } })).check({ b: 1 })).toHaveLength(1);
  expect(validator.checksOf(schemaWith({ b: { type: 'integer' } }, [], 2)).check({ b: 1 })).toEqual([]);
});

test('defaults stand in for what is absent, not for null, and names such as constructor are names', () => {
  const checks = new ObjectValidator().checksOf(
    schemaWith({
      a: { type: 'string', default: 'x' },
      b: { type: 'array', default: [1] },
      constructor: { type: 'string', default: 'y' } as Property,
      without: { type: 'string' },
    }),
  );
  expect({ ...checks.withDefaults({ a: null }) }).toEqual({ a: null, b: [1], constructor: 'y' });
  expect({ ...checks.withDefaults({ a: 'own' }, new Set(['b'])) }).toEqual({ a: 'own', b: [1] });
});
