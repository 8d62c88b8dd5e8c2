import { ALWAYS, compare, NEVER } from '@tidewire/condition';
import { expect, test } from 'vitest';
import {
  allowedFields,
  hasField,
  intersectMasks,
  maskNames,
  maskOf,
  propertyRights,
} from './property-rights.ts';

const conditions = [ALWAYS, NEVER, compare('eq', 'status', 'open')];

/** Property i is always, never or conditionally allowed, in turn. */
function rightsOf(count: number) {
  const names = Array.from({ length: count }, (_, index) => `p${index}`);
  return propertyRights(names, (name) => conditions[Number(name.slice(1)) % 3] ?? NEVER);
}

test.each([0, 1, 30, 31, 32, 33, 100])('masks say the same for %i properties', (count) => {
  const rights = rightsOf(count);
  for (const status of ['open', 'closed']) {
    const mask = allowedFields(rights, { status }, 0);
    expect(typeof mask).toBe(count > 31 ? 'bigint' : 'number');
    const expected = rights.names.filter((_, i) => i % 3 === 0 || (i % 3 === 2 && status === 'open'));
    expect(maskNames(rights, mask)).toEqual(expected);
    expect(mask).toBe(maskOf(rights, expected));
    const asked = maskOf(rights, ['p0', 'p2', 'nope', '__proto__']);
    expect(maskNames(rights, intersectMasks(mask, asked))).toEqual(
      expected.filter((name) => ['p0', 'p2'].includes(name)),
    );
    expect(hasField(mask, 1)).toBe(false);
  }
});
