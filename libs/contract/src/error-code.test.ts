import { expect, test } from 'vitest';
import { ERROR_CODES, errorCodeRow } from './error-code.ts';
import type { ErrorCode } from './error-code.ts';
import { TidewireError, formatProblem } from './tidewire-error.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

test.each(codes)(
  'the close code of %s tells a client what to do even if it has never heard of it',
  (code) => {
    const { close, retry } = errorCodeRow(code);
    if (close === undefined) return;
    const reconnect = close >= 4000 && close < 4500;
    expect(reconnect || (close >= 4500 && close < 5000)).toBe(true);
    if (retry === 'cursor') expect(reconnect).toBe(true);
    if (retry === 'never') expect(reconnect).toBe(false);
  },
);

test('no two codes share a close code', () => {
  const closes = codes.map((code) => errorCodeRow(code).close).filter((close) => close !== undefined);
  expect(new Set(closes).size).toBe(closes.length);
});

test('an unexpected error tells a client nothing about itself', () => {
  const problem = formatProblem(new Error('connect ECONNREFUSED postgres://user:secret@db'));
  expect(JSON.stringify(problem)).not.toContain('secret');
  expect(problem).toMatchObject({ status: 500, code: 'INTERNAL_ERROR', success: false });
});

test('a known error keeps its code, message and the members that are wrong', () => {
  const errors = [{ field: '/prioriteit', message: 'must be at most 5' }];
  const problem = formatProblem(new TidewireError('VALIDATION_ERROR', 'The body is not valid', { errors }));
  expect(problem).toMatchObject({
    status: 400,
    code: 'VALIDATION_ERROR',
    message: 'The body is not valid',
    errors,
  });
});
