import { expect, test } from 'vitest';
import { Gate, SharedWork, mapBounded } from './bounded-work.ts';

test('answers stand in the order of the items, and few run at once', async () => {
  let running = 0;
  let most = 0;
  const answers = await mapBounded([5, 1, 4, 2, 3], 2, async (each) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < each; turn += 1) await Promise.resolve();
    running -= 1;
    return each * 10;
  });
  expect(answers).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

test('after a failure nothing new begins', async () => {
  const begun: number[] = [];
  const work = mapBounded([1, 2, 3, 4, 5, 6], 2, async (each) => {
    begun.push(each);
    await Promise.resolve();
    throw new Error(`no ${each}`);
  });
  await expect(work).rejects.toThrow('no 1');
  expect(begun).toEqual([1, 2]);
});

test('a gate lets so many through at once, and a failure frees its place', async () => {
  const gate = new Gate(2);
  let running = 0;
  let most = 0;
  const runs = Array.from({ length: 6 }, (_each, index) =>
    gate.run(async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (index % 2 === 0) throw new Error('no');
      return index;
    }),
  );
  const outcomes = await Promise.allSettled(runs);
  expect(outcomes.map(({ status }) => status)).toEqual(
    runs.map((_each, index) => (index % 2 === 0 ? 'rejected' : 'fulfilled')),
  );
  expect(most).toBe(2);
});

test('who asks while work runs is answered by one more run, and a failed one spoils no later one', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const shared = new SharedWork(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  const first = shared.run();
  const later = [shared.run(), shared.run(), shared.run()];
  expect(runs).toHaveLength(1);
  runs[0]?.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await Promise.resolve();
  expect(runs).toHaveLength(2);
  runs[1]?.resolve();
  await Promise.all(later);
  expect(runs).toHaveLength(2);
});
