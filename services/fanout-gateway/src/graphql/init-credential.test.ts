import { MAX_SECRET_LENGTH } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { readInitCredential } from './init-credential.ts';

test.each([
  [{ token: 'abc' }, 'abc'],
  [{ Token: 'a b&c=%' }, 'a b&c=%'],
  [{ authorization: 'Bearer abc' }, 'abc'],
  [{ AUTHORIZATION: 'bearer abc' }, 'abc'],
  [{ token: 'abc', Authorization: 'Bearer abc', TOKEN: 'abc' }, 'abc'],
  [{ token: null, authorization: undefined, locale: 'nl' }, undefined],
  [JSON.parse('{"__proto__":{"token":"abc"}}'), undefined],
  [{}, undefined],
])('%j carries %s', (payload, secret) => {
  expect(readInitCredential(payload as Record<string, unknown>)).toBe(secret);
});

test.each([
  [{ token: '' }, 'BAD_REQUEST'],
  [{ token: 7 }, 'BAD_REQUEST'],
  [{ token: { token: 'abc' } }, 'BAD_REQUEST'],
  [{ authorization: 'Basic YTpi' }, 'BAD_REQUEST'],
  [{ authorization: ['Bearer abc'] }, 'BAD_REQUEST'],
  [{ token: 'abc', authorization: 'Bearer other' }, 'BAD_REQUEST'],
  [{ token: 'abc', Token: 'other' }, 'BAD_REQUEST'],
  [{ token: 'x'.repeat(MAX_SECRET_LENGTH + 1) }, 'UNAUTHORIZED'],
])('%j is refused', (payload, code) => {
  expect(() => readInitCredential(payload)).toThrow(expect.objectContaining({ code }));
});
