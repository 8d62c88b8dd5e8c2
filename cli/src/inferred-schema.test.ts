import { expect, test } from 'vitest';
import { inferSchema } from './inferred-schema.ts';

async function* rowsOf(...rows: Record<string, unknown>[]): AsyncGenerator<Record<string, unknown>> {
  yield* rows;
}

test('a column has the narrowest type that all of its cells have', async () => {
  const { properties } = await inferSchema(
    rowsOf(
      {
        n: '1',
        x: '1.5',
        flag: 'true',
        day: '2026-03-21',
        at: '2026-03-21T12:00:00Z',
        text: 'a',
        mixed: '1',
      },
      {
        n: '-20',
        x: '3',
        flag: 'false',
        day: '2026-03-22',
        at: '2026-03-21T13:00:00+01:00',
        text: '',
        mixed: 'one',
      },
    ),
  );
  expect(properties).toEqual({
    n: { type: 'integer' },
    x: { type: 'number' },
    flag: { type: 'boolean' },
    day: { type: 'string', format: 'date' },
    at: { type: 'string', format: 'date-time' },
    text: { type: 'string' },
    mixed: { type: 'string' },
  });
});

test('codes with leading zeros and numbers that lose digits stay text', async () => {
  const { properties, toObject } = await inferSchema(rowsOf({ code: '007', big: '9007199254740993' }));
  expect(properties).toEqual({ code: { type: 'string' }, big: { type: 'string' } });
  expect(toObject({ code: '007', big: '9007199254740993' })).toEqual({
    code: '007',
    big: '9007199254740993',
  });
});

test('an empty cell is left out and a reserved column name gets a prefix', async () => {
  const { toObject } = await inferSchema(rowsOf({ id: '5', _key: 'k', note: 'n' }));
  expect(toObject({ id: '6', _key: '', note: '' })).toEqual({ column_id: 6 });
});

test('a file without rows is refused', async () => {
  await expect(inferSchema(rowsOf())).rejects.toThrow('no rows');
});
