import { expect, test } from 'vitest';
import { readSourceOptions } from './source-wish.ts';
import type { DataSourceOptions } from './source.ts';

test.for([
  [{ refreshMode: 'none' }, { mode: 'static' }],
  [{ refreshMode: 'static' }, { mode: 'static' }],
  [{ refreshMode: 'poll' }, { mode: 'poll', pollIntervalMs: 30_000 }],
  [
    { refreshMode: 'poll', pollIntervalMs: 1000 },
    { mode: 'poll', pollIntervalMs: 1000 },
  ],
  [{}, { mode: 'realtime', limit: 100, pollIntervalMs: 30_000 }],
  [{ limit: 1000 }, { limit: 1000, query: { table: 'orders', limit: 1000 } }],
  [{ limit: 10 }, { query: { table: 'orders', limit: 30 } }],
  [{ sort: 'a, b:desc' }, { query: { table: 'orders', sort: 'a:asc,b:desc', limit: 120 } }],
  [{ sort: [{ field: 'a', direction: 'desc' }] }, { subscription: { table: 'orders', sort: 'a:desc' } }],
  [{ filter: 'a:eq:1' }, { subscription: { table: 'orders', filter: 'a:eq:1' } }],
  [
    { filter: [{ field: 'a', operator: 'in', value: [1, 2] }] },
    { subscription: { table: 'orders', filter: '[{"field":"a","operator":"in","value":[1,2]}]' } },
  ],
  [{ filter: [] }, { subscription: { table: 'orders' } }],
  [{ fields: ['a', 'b'] }, { shown: undefined, subscription: { table: 'orders', fields: ['a', 'b'] } }],
  [
    { fields: ['a'], sort: 'b,createdAt' },
    {
      shown: new Set(['a']),
      subscription: { table: 'orders', fields: ['a', 'b'], sort: 'b:asc,createdAt:asc' },
    },
  ],
] satisfies [Partial<DataSourceOptions>, object][])('%j is understood', ([options, expected]) => {
  expect(readSourceOptions({ table: 'orders', ...options })).toMatchObject(expected);
});

test.for([
  [{ table: '' }, 'table', "'table' must be the slug of a table"],
  [{ refreshMode: 'live' }, 'refreshMode', "must be 'static' (or 'none'), 'poll' or 'realtime', not 'live'"],
  [{ pollIntervalMs: 999 }, 'pollIntervalMs', 'must be a whole number from 1000 to 86400000, not 999'],
  [{ pollIntervalMs: Number.NaN }, 'pollIntervalMs', 'not NaN'],
  [{ limit: 0 }, 'limit', 'must be a whole number from 1 to 1000, not 0'],
  [{ limit: 1001 }, 'limit', 'not 1001'],
  [{ limit: 1.5 }, 'limit', 'not 1.5'],
  [{ sort: 'a:up' }, 'sort', "reads 'field:asc,other:desc', not 'a:up'"],
] as const)('%j is refused, naming %s', ([options, field, message]) => {
  expect(() => readSourceOptions({ table: 'orders', ...(options as object) })).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining(message),
      errors: [{ field, message: expect.stringContaining(message) }],
    }),
  );
});
