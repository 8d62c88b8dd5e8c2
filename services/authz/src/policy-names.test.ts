import type { Match, NamedProperties, TidewireError } from '@tidewire/contract';
import { ruledNames } from '@tidewire/policy';
import { expect, test } from 'vitest';
import { requireKnownNames } from './policy-names.ts';
import type { PolicyContent } from './policy-validation.ts';

const empty: PolicyContent = { target: 'schema', authorization: null, properties: {}, roles: [] };
const known: NamedProperties = {
  schemas: 1,
  properties: [
    { name: 'status', definitions: [{ type: 'string' }] },
    { name: 'until', definitions: [{ type: 'string', format: 'date-time' }] },
    { name: 'constructor', definitions: [{ type: 'string' }] },
    { name: 'sttaus', definitions: [] },
  ],
};

/** The faults that are found, or none. */
function faults(policy: Partial<PolicyContent>, names = known): unknown[] {
  try {
    requireKnownNames({ ...empty, ...policy }, names);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR' });
    return (error as TidewireError).errors.map(({ field, message }) => [field, message]);
  }
}

const read = (match: Match): Partial<PolicyContent> => ({
  authorization: { read: ['x', { group: 'x', match }] },
});

test('points at every rule that names what the schema does not have', () => {
  expect(
    faults({
      authorization: {
        read: [{ group: 'x', match: { sttaus: 'a', status: 'b' } }],
        delete: ['x', { group: 'x', match: { _ownr: '$userId' } }],
      },
      properties: {
        sttaus: { read: ['x'] },
        status: { update: [{ group: 'x', match: { 'a/b': 1 } }] },
      },
    }),
  ).toEqual([
    ['/authorization/read/0/match/sttaus', 'is no property of the schema'],
    ['/authorization/delete/1/match/_ownr', 'is no property of the schema'],
    ['/properties/sttaus', 'is no property of the schema'],
    ['/properties/status/update/0/match/a~1b', 'is no property of the schema'],
  ]);
});

test('takes system members, which every object has, and names that objects have by birth when the schema has them', () => {
  expect(faults(read({ _owner: '$userId', _created: { $lt: '$now' }, constructor: 'x' }))).toEqual([]);
  expect(faults(read({ toString: 'x' }))).toMatchObject([
    ['/authorization/read/1/match/toString', expect.anything()],
  ]);
});

test('refuses a comparison that fits no definition of its property', () => {
  expect(faults(read({ until: { $gt: '$now' } }))).toEqual([]);
  expect(faults(read({ until: 'tomorrow' }))).toMatchObject([
    ['/authorization/read/1/match/until', expect.stringContaining('date and time')],
  ]);
  expect(faults(read({ status: { $gt: '$now' } }))).toMatchObject([
    ['/authorization/read/1/match/status', expect.stringContaining('$now')],
  ]);
  expect(faults(read({ _owner: { $gt: '$now' } }))).toMatchObject([
    ['/authorization/read/1/match/_owner', expect.stringContaining('$now')],
  ]);
});

test('of a register, some schema has to have the property, and without schemas nothing is refused', () => {
  const register = { target: 'register' as const, ...read({ sttaus: 'a' }) };
  const message = 'is a property of no schema of the register';
  expect(faults(register, { ...known, schemas: 2 })).toEqual([
    ['/authorization/read/1/match/sttaus', message],
  ]);
  const both = {
    name: 'sttaus',
    definitions: [{ type: 'integer' }, { type: 'string', format: 'date-time' }],
  } as const;
  expect(
    faults(register, { schemas: 2, properties: [{ ...both, definitions: [...both.definitions] }] }),
  ).toEqual([]);
  expect(faults(register, { schemas: 0, properties: [] })).toEqual([]);
});

test('a policy names what it compares and what it has rules of', () => {
  const { authorization } = read({ a: 1, _owner: 'x' });
  const properties = { b: { read: [{ group: 'x', match: { c: 1 } }] } };
  expect([...ruledNames({ authorization: authorization ?? null, properties })].sort()).toEqual([
    'a',
    'b',
    'c',
  ]);
});
