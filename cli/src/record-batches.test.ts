import { expect, test } from 'vitest';
import { batchesOf } from './record-batches.ts';

async function sizesOf(rows: readonly object[]): Promise<number[]> {
  const sizes: number[] = [];
  for await (const batch of batchesOf(rows)) sizes.push(batch.length);
  return sizes;
}

test('a batch is bounded by its rows and by its bytes, and no row is left out', async () => {
  expect(await sizesOf([])).toEqual([]);
  expect(await sizesOf(Array.from({ length: 450 }, (_, n) => ({ n })))).toEqual([200, 200, 50]);
  const large = { text: 'x'.repeat(3 * 1024 * 1024) };
  expect(await sizesOf([large, large, { n: 1 }])).toEqual([1, 2]);
});

test('rows stay in their order', async () => {
  const rows = Array.from({ length: 300 }, (_, n) => ({ n }));
  const found: object[] = [];
  for await (const batch of batchesOf(rows)) found.push(...batch.map(({ fields }) => fields));
  expect(found).toEqual(rows);
});
