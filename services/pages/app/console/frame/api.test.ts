import { expect, test } from 'vitest';
import { toRefusal, withQuery } from './api.ts';

test('a refusal is told in the words of the API, with every field', () => {
  const errors = [{ field: '/authorization/read/0', message: 'names no group' }];
  const said = {
    code: 'VALIDATION_ERROR',
    message: 'The policy is not valid.',
    errors: [...errors, { field: 7 }, null],
  };
  expect(toRefusal(400, said)).toMatchObject({
    code: 'VALIDATION_ERROR',
    message: said.message,
    status: 400,
    errors,
  });
});

test.each([undefined, null, 'sign in to the network', {}, { code: 1, message: 'x' }])(
  '%j is an answer that nobody can read',
  (said) => {
    expect(toRefusal(502, said, 2000)).toMatchObject({
      code: 'UNUSABLE_ANSWER',
      status: 502,
      retryAfterMs: 2000,
    });
  },
);

test('a path has the parameters that have a value, written so that they arrive as they are', () => {
  expect(
    withQuery('/api/connections', { principal: 'a&b=c', limit: 5, cursor: undefined, address: '' }),
  ).toBe('/api/connections?principal=a%26b%3Dc&limit=5');
  expect(withQuery('/api/audit', { kind: '' })).toBe('/api/audit');
});
