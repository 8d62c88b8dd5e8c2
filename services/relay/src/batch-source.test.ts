import { expect, test } from 'vitest';
import { BatchSource } from './batch-source.ts';
import type { FetchedRows, OutboxRepository, OutboxRow } from './outbox-repository.ts';

const row = (id: number, more: Partial<OutboxRow> = {}): OutboxRow => ({
  id,
  uuid: `row-${id}`,
  xid: '1',
  subject: 's',
  message: '{}',
  images: null,
  ageMs: 0,
  passesEarlier: false,
  ...more,
});

/** An outbox that answers with prepared rows and notes where it was asked to look. */
function createOutbox(answers: FetchedRows[]): { repository: OutboxRepository; asked: number[] } {
  const asked: number[] = [];
  const answer = async (after: number): Promise<FetchedRows> => {
    asked.push(after);
    return answers.shift() ?? { rows: [], flushed: true, complete: true };
  };
  const repository = { fetchAfter: answer } as unknown as OutboxRepository;
  return { repository, asked };
}

const complete = (...rows: OutboxRow[]): FetchedRows => ({ rows, flushed: true, complete: true });
const cut = (...rows: OutboxRow[]): FetchedRows => ({ rows, flushed: true, complete: false });

test('looks behind a floor, and from the very beginning once a second', async () => {
  let now = 0;
  const { repository, asked } = createOutbox([complete(row(50_000))]);
  const source = new BatchSource(repository, () => now);
  await source.next();
  await source.next();
  now = 999;
  await source.next();
  now = 1000;
  await source.next();
  expect(asked).toEqual([0, 40_000, 40_000, 0]);
});

test('a large region of late rows is worked off in one go, not once a second', async () => {
  const { repository, asked } = createOutbox([complete(row(50_000)), complete(), cut(row(7)), cut(row(8))]);
  let now = 0;
  const source = new BatchSource(repository, () => now);
  await source.next();
  now = 1000;
  await source.next();
  now = 2000;
  await source.next();
  now = 2001;
  await source.next();
  expect(asked).toEqual([0, 0, 0, 0]);
});

test('a row that would pass an earlier one of its key makes it look from the beginning at once', async () => {
  const late = row(45_000, { passesEarlier: true });
  const { repository, asked } = createOutbox([
    complete(row(50_000)),
    complete(late),
    complete(row(3), row(45_000)),
  ]);
  const source = new BatchSource(repository, () => 0);
  await source.next();
  const { rows } = await source.next();
  expect(asked).toEqual([0, 40_000, 0]);
  expect(rows.map(({ id }) => id)).toEqual([3, 45_000]);
});

test('what is covered is the moment of the fetch, or the age of the last row when there is more', async () => {
  const { repository } = createOutbox([
    complete(row(1, { ageMs: 500 })),
    cut(row(2, { ageMs: 700 }), row(3, { ageMs: 300 })),
  ]);
  const source = new BatchSource(repository, () => 10_000);
  expect((await source.next()).coversUntil).toBe(10_000);
  expect((await source.next()).coversUntil).toBe(9700);
});
