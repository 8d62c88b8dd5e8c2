import { expect, test } from 'vitest';
import { forEachAtOnce } from './work-pool.ts';

test('never runs more at once than asked, and runs everything', async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  await forEachAtOnce(
    Array.from({ length: 50 }, (_, index) => index),
    4,
    async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      seen.push(item);
      running -= 1;
    },
  );
  expect(most).toBe(4);
  expect(seen.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 50 }, (_, index) => index));
});

test('the first failure ends the rest and is thrown', async () => {
  const seen: number[] = [];
  const work = forEachAtOnce([1, 2, 3, 4, 5, 6], 1, async (item) => {
    seen.push(item);
    await Promise.resolve();
    if (item === 3) throw new Error('third');
  });
  await expect(work).rejects.toThrow('third');
  expect(seen).toEqual([1, 2, 3]);
});
