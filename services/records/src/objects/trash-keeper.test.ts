import { createManualClock } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import { silent } from '../../test/database.ts';
import { TrashKeeper } from './trash-keeper.ts';

const MINUTE_MS = 60_000;

interface Kept extends AsyncDisposable {
  readonly keeper: TrashKeeper;
  readonly calls: (readonly [retentionMs: number, most: number])[];
  readonly counted: number[];
  minute(): Promise<void>;
}

/** A keeper of a trash that empties as many as `answers` say, one after the other. */
function keep(...answers: (number | Promise<number> | Error)[]): Kept {
  const clock = createManualClock();
  const calls: (readonly [number, number])[] = [];
  const counted: number[] = [];
  const emptyTrash = async (retentionMs: number, most: number): Promise<number> => {
    calls.push([retentionMs, most]);
    const answer = await (answers.shift() ?? 0);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const keeper = new TrashKeeper({
    repository: { emptyTrash },
    clock,
    logger: silent,
    retentionMs: 5000,
    onEmptied: (count) => counted.push(count),
  });
  keeper.start();
  return {
    keeper,
    calls,
    counted,
    minute: async () => {
      clock.advance(MINUTE_MS);
      // Every answer is there: a round ends within a few turns of the queue of promises.
      for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
    },
    [Symbol.asyncDispose]: () => keeper.stop(),
  };
}

test('the trash is emptied every minute, in batches until one is not full', async () => {
  await using kept = keep(500, 500, 3);
  await kept.minute();
  expect(kept.calls).toEqual([
    [5000, 500],
    [5000, 500],
    [5000, 500],
  ]);
  expect(kept.counted).toEqual([500, 500, 3]);
  await kept.minute();
  expect(kept.calls).toHaveLength(4);
});

test('a round ends, however much there is', async () => {
  await using kept = keep(...Array.from({ length: 100 }, () => 500));
  await kept.minute();
  expect(kept.calls).toHaveLength(20);
});

test('a failure is tried again a minute later, and a slow round is not joined by another', async () => {
  const slow = Promise.withResolvers<number>();
  await using kept = keep(new Error('away'), slow.promise);
  await kept.minute();
  await kept.minute();
  await kept.minute();
  expect(kept.calls).toHaveLength(2);
  slow.resolve(0);
  await slow.promise;
  // The minute in which it ended is still its own.
  await kept.minute();
  await kept.minute();
  expect(kept.calls).toHaveLength(3);
});

test('after it was stopped nothing is emptied', async () => {
  const kept = keep(500);
  await kept.keeper.stop();
  await kept.minute();
  expect(kept.calls).toEqual([]);
});
