import { principalIdSchema } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { issuedPrincipalId } from './issued-principal.ts';

test('is base32 of SHA-256, as others compute it', () => {
  // printf %s subject-1 | sha256sum, in base32, lower case, 20 characters
  expect(issuedPrincipalId('town', 'subject-1')).toBe('town-sxx2mtp26cna7g556que');
});

test('is an id of a principal whatever the subject looks like, and no two are alike', () => {
  const subjects = [
    'admin',
    '../admin',
    "'; DROP TABLE authz.principals; --",
    ' ',
    '__proto__',
    '*',
    '>',
    'a.b',
  ];
  const ids = subjects.map((subject) => issuedPrincipalId('x'.repeat(42), subject));
  for (const id of ids) expect(principalIdSchema.parse(id)).toBe(id);
  expect(new Set(ids).size).toBe(subjects.length);
});

test('is of one issuer, also where the slug of one begins with that of another', () => {
  expect(issuedPrincipalId('a', 's')).not.toBe(issuedPrincipalId('a-b', 's'));
});
