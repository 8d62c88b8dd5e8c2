import { parseConstValue } from 'graphql';
import { expect, test } from 'vitest';
import { JSON_SCALAR, SAFE_INT_SCALAR, SCALARS, UUID_SCALAR, literalValue } from './scalar.ts';

const literal = (text: string): unknown => literalValue(parseConstValue(text));

test('a literal is the value that JSON would have', () => {
  expect(literal('{a: [1, -2.5e3, "x", true, null], b: """y"""}')).toEqual({
    a: [1, -2500, 'x', true, null],
    b: 'y',
  });
});

test('members of a literal are data, whatever they are called', () => {
  const value = literal('{constructor: 1, __proto__: {polluted: true}}') as Record<string, unknown>;
  expect(Object.getPrototypeOf(value)).toBeNull();
  expect(Object.keys(value)).toEqual(['constructor', '__proto__']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a text without quotes and a number beyond all numbers are no values', () => {
  expect(() => literal('{status: nieuw}')).toThrow('A text has quotes: "nieuw"');
  expect(() => literal(`[1${'0'.repeat(400)}]`)).toThrow(/^The number is too large: 10{79}$/);
});

test('values of scalars pass through as they are', () => {
  const value = { a: [1, null] };
  expect(JSON_SCALAR.coerceInputValue(value)).toBe(value);
  expect(JSON_SCALAR.coerceOutputValue(value)).toBe(value);
  expect(SAFE_INT_SCALAR.coerceInputValue(2 ** 53 - 1)).toBe(2 ** 53 - 1);
});

test.each(SCALARS.filter((scalar) => scalar !== JSON_SCALAR).map((scalar) => [scalar.name, scalar] as const))(
  '%s refuses what it cannot represent, and says what it was',
  (name, scalar) => {
    expect(() => scalar.coerceInputValue(true)).toThrow(`${name} cannot represent true`);
    expect(() => scalar.coerceInputValue([1])).toThrow(`${name} cannot represent a list`);
    expect(() => scalar.coerceInputLiteral?.(parseConstValue('{a: 1}'))).toThrow(
      `${name} cannot represent an object`,
    );
  },
);

test('a refusal repeats no more than the beginning of a value', () => {
  for (const value of ['x'.repeat(100_000), '\u0001'.repeat(100_000)]) {
    let message = '';
    try {
      UUID_SCALAR.coerceInputValue(value);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^UUID cannot represent "/);
    expect(message.length).toBeLessThan(120);
  }
});
