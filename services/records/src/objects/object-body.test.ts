import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { readObjectBody } from './object-body.ts';

function refusal(body: unknown, ifMatch?: string): string {
  try {
    readObjectBody(body, ifMatch);
  } catch (error) {
    if (error instanceof TidewireError)
      return [error.code, ...error.errors.map(({ field }) => field)].join(' ');
    throw error;
  }
  return 'accepted';
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

test('system members are left out, except the condition and the organisation', () => {
  const body = JSON.parse(
    '{"a":1,"id":"x","_owner":"me","_version":3,"_organisation":null,"__proto__":{"b":2}}',
  ) as unknown;
  expect(readObjectBody(body, undefined)).toEqual({
    members: Object.assign(Object.create(null) as object, { a: 1 }),
    version: 3,
    organisation: null,
  });
});

test('names that JavaScript gives a meaning are data', () => {
  const { members } = readObjectBody({ constructor: 1, toString: 2, hasOwnProperty: 3 }, undefined);
  expect(Object.entries(members)).toEqual([
    ['constructor', 1],
    ['toString', 2],
    ['hasOwnProperty', 3],
  ]);
});

test('the version is read from If-Match too, and both must say the same', () => {
  for (const tag of ['"3"', '3', 'W/"3"', ' "3" ']) expect(readObjectBody({}, tag).version).toBe(3);
  expect(readObjectBody({}, '*').version).toBeUndefined();
  expect(readObjectBody({ _version: 3 }, '"3"').version).toBe(3);
  expect(refusal({ _version: 4 }, '"3"')).toBe('BAD_REQUEST');
  expect(refusal({}, '"abc"')).toBe('BAD_REQUEST');
  expect(refusal({ _version: '3' })).toBe('VALIDATION_ERROR /_version');
  expect(refusal({ _version: 0 })).toBe('VALIDATION_ERROR /_version');
});

test('refuses what could not be stored unchanged, and says where it is', () => {
  expect(refusal(null)).toContain('VALIDATION_ERROR');
  expect(refusal([])).toContain('VALIDATION_ERROR');
  expect(refusal({ a: [1, 9007199254740992] })).toBe('VALIDATION_ERROR /a/1');
  expect(refusal({ a: -9007199254740992 })).toBe('VALIDATION_ERROR /a');
  expect(refusal({ a: 9007199254740991 })).toBe('accepted');
  expect(refusal({ 'a/b': 'x\u0000' })).toBe('VALIDATION_ERROR /a~1b');
  expect(refusal({ a: '\ud800' })).toBe('VALIDATION_ERROR /a');
  expect(refusal({ 'a\u0000': 1 })).toContain('VALIDATION_ERROR');
  expect(refusal({ a: 'x'.repeat(262_144) })).toBe('PAYLOAD_TOO_LARGE');
});

test('depth is counted as the database counts it', () => {
  expect(refusal({ x: nested(31) })).toBe('accepted');
  expect(refusal({ x: nested(32) })).toContain('VALIDATION_ERROR /x/a');
});
