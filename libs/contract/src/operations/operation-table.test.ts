import { expect, test } from 'vitest';
import type { z } from 'zod';
import { ERROR_CODES } from '../error-code.ts';
import { OPERATIONS } from './operation-table.ts';
import type { Operation } from './operation.ts';
import { errorCodesOf } from './operation.ts';

const operations: readonly Operation[] = OPERATIONS;

test('an operation has one id, and a method of a path is one operation', () => {
  const ids = operations.map(({ id }) => id);
  const routes = operations.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(routes).size).toBe(routes.length);
});

test.each(operations)(
  '$id describes each parameter of its path, and no other',
  ({ path, parameters = [] }) => {
    const named = [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = '']) => name);
    const described = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    expect(described.toSorted()).toEqual(named.toSorted());
    expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(
      parameters.length,
    );
  },
);

function examplesOf(operation: Operation): (readonly [where: string, schema: z.ZodType, example: unknown])[] {
  const { parameters = [], body, answers } = operation;
  return [
    ...parameters
      .filter(({ example }) => example !== undefined)
      .map(({ name, schema, example }) => [`parameter ${name}`, schema, example] as const),
    ...(body ? [['body', body.schema, body.example] as const] : []),
    ...Object.entries(answers).flatMap(([status, { schema, example }]) =>
      schema === undefined ? [] : [[`answer ${status}`, schema, example] as const],
    ),
  ];
}

test.each(operations)('each example of $id is what its schema describes', (operation) => {
  for (const [where, schema, example] of examplesOf(operation)) {
    const result = schema.safeParse(example);
    expect(result.success ? '' : `${where}: ${result.error.message}`).toBe('');
  }
});

test.each(operations)(
  '$id answers a success, and what it needs a credential or a password for can be refused',
  (operation) => {
    const { answers, authentication } = operation;
    // 101: the connection is a WebSocket from there on.
    expect(Object.keys(answers).some((status) => /^(2..|101)$/.test(status))).toBe(true);
    expect(errorCodesOf(operation).includes('UNAUTHORIZED')).toBe(
      authentication !== 'none' || operation.id === 'login',
    );
  },
);

test('a status is either an answer or an error of an operation, never both', () => {
  const both = operations.flatMap((operation) =>
    errorCodesOf(operation)
      .filter((code) => operation.answers[ERROR_CODES[code].status] !== undefined)
      .map((code) => `${operation.id}: ${code}`),
  );
  expect(both).toEqual([]);
});
