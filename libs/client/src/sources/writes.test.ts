import type { TableRecord } from '@tidewire/contract';
import { beforeEach, expect, test } from 'vitest';
import { ManualClock, settle } from '../../test/manual-clock.ts';
import { ClientError } from '../client-error.ts';
import { createRuntime } from '../browser-runtime.ts';
import { ConflictError } from './conflict-error.ts';
import { Overlay } from './overlay.ts';
import type { RecordsApi } from './records-api.ts';
import { Rows } from './rows.ts';
import type { RowConflict } from './source.ts';
import { Writes } from './writes.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 2, 21, 12, 0, second)).toISOString();
const record = (id: string, fields: object, second: number): TableRecord => ({
  id,
  fields: { ...fields },
  createdAt: at(0),
  updatedAt: at(second),
});
const network = (): ClientError => new ClientError('NETWORK', 'no answer', { transient: true });
const stale = (): ClientError => new ClientError('CONFLICT', 'stale', { status: 409 });

/** A promise that the test settles. */
function promised<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  return Promise.withResolvers<T>();
}

type Answers = { -readonly [Name in 'find' | 'create' | 'change' | 'remove']: RecordsApi[Name] };

/** Until the test says otherwise nothing is answered. */
function createAnswers(): Answers {
  const unexpected = async (): Promise<never> => await Promise.reject(new Error('nothing was expected'));
  return { find: unexpected, create: unexpected, change: unexpected, remove: unexpected };
}

let clock: ManualClock;
let rows: Rows;
let overlay: Overlay;
let conflicts: RowConflict[];
let sent: string[];
let answers: Answers;
let writes: Writes;

beforeEach(() => {
  clock = new ManualClock();
  rows = new Rows([], 100);
  overlay = new Overlay();
  conflicts = [];
  sent = [];
  answers = createAnswers();
  rows.replace({ records: [record('a', { n: 1, m: 1 }, 1)], total: 1 });
  const api: RecordsApi = {
    list: async () => await Promise.reject(new Error('nothing is listed')),
    find: async (...args) => await answers.find(...args),
    create: async (table, fields) => {
      sent.push(`create ${JSON.stringify(fields)}`);
      return await answers.create(table, fields);
    },
    change: async (table, id, fields, updatedAt) => {
      sent.push(`change ${id} ${JSON.stringify(fields)} ${updatedAt}`);
      return await answers.change(table, id, fields, updatedAt);
    },
    remove: async (table, id) => {
      sent.push(`remove ${id}`);
      return await answers.remove(table, id);
    },
  };
  writes = new Writes({
    table: 'rows',
    runtime: createRuntime({ clock }),
    api,
    rows,
    overlay,
    changed: () => undefined,
    done: () => undefined,
    conflict: (conflict) => conflicts.push(conflict),
  });
});

const shown = (): unknown[] =>
  overlay.show(rows, 100).map(({ id, fields, pending }) => [id, fields, pending]);

test('an update is shown until the server has answered, and then is the server’s', async () => {
  const answer = promised<TableRecord>();
  answers.change = () => answer.promise;
  const writing = writes.update('a', { n: 2 });
  expect(shown()).toEqual([['a', { n: 2, m: 1 }, 'update']]);
  answer.resolve(record('a', { n: 2, m: 9 }, 5));
  await expect(writing).resolves.toMatchObject({ fields: { n: 2, m: 9 }, updatedAt: at(5) });
  expect(shown()).toEqual([['a', { n: 2, m: 9 }, null]]);
  expect(sent).toEqual([`change a {"n":2} ${at(1)}`]);
});

test('a refused update is taken back, and the others stay', async () => {
  const answer = promised<TableRecord>();
  answers.change = async (_table, _id, fields) =>
    'n' in fields
      ? await Promise.reject(new ClientError('VALIDATION_ERROR', 'no', { status: 400 }))
      : await answer.promise;
  const refused = writes.update('a', { n: 2 });
  const second = writes.update('a', { m: 5 });
  expect(shown()).toEqual([['a', { n: 2, m: 5 }, 'update']]);
  await expect(refused).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  expect(shown()).toEqual([['a', { n: 1, m: 5 }, 'update']]);
  answer.resolve(record('a', { n: 1, m: 5 }, 3));
  await second;
  expect(shown()).toEqual([['a', { n: 1, m: 5 }, null]]);
});

test('writes of one record follow one another, each on top of what the one before has made', async () => {
  let second = 1;
  answers.change = async (_table, id, fields) => await Promise.resolve(record(id, fields, ++second));
  await Promise.all([
    writes.update('a', { n: 2 }),
    writes.update('a', { n: 3 }),
    writes.update('a', { n: 4 }),
  ]);
  expect(sent).toEqual([
    `change a {"n":2} ${at(1)}`,
    `change a {"n":3} ${at(2)}`,
    `change a {"n":4} ${at(3)}`,
  ]);
});

test('a write on a record that somebody else has changed is a conflict that names who, and what both changed', async () => {
  answers.change = async () => await Promise.reject(stale());
  const theirs = { ...record('a', { n: 7, m: 1 }, 8), updatedBy: { id: 'bob', name: 'Bob' } };
  answers.find = async () => await Promise.resolve(theirs);
  const error = await writes.update('a', { n: 2, m: 3 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConflictError);
  expect(conflicts).toMatchObject([
    {
      id: 'a',
      fields: ['n'],
      mine: { n: 2, m: 3 },
      theirs: { fields: { n: 7 } },
      by: { id: 'bob', name: 'Bob' },
    },
  ]);
  expect(shown()).toEqual([['a', { n: 7, m: 1 }, null]]);
});

test('a conflict on a record that is gone says that there is nothing left', async () => {
  answers.change = async () => await Promise.reject(stale());
  answers.find = async () => await Promise.resolve(null);
  await expect(writes.update('a', { n: 2 })).rejects.toMatchObject({
    conflict: { theirs: null, by: null, fields: ['n'] },
  });
});

test('a 409 of a record that nobody changed is no conflict', async () => {
  answers.change = async () => await Promise.reject(stale());
  answers.find = async () => await Promise.resolve(record('a', { n: 1 }, 1));
  const error = await writes.update('a', { n: 2 }).catch((thrown: unknown) => thrown);
  expect(error).not.toBeInstanceOf(ConflictError);
  expect(error).toMatchObject({ status: 409 });
  expect(conflicts).toEqual([]);
});

test('an update without an answer is sent again, and was done when the record says so', async () => {
  answers.change = async () => await Promise.reject(sent.length === 1 ? network() : stale());
  answers.find = async () => await Promise.resolve(record('a', { n: 2 }, 6));
  const writing = writes.update('a', { n: 2 });
  await clock.advance(600);
  await expect(writing).resolves.toMatchObject({ updatedAt: at(6) });
  expect(sent).toHaveLength(2);
  expect(conflicts).toEqual([]);
});

test('an update of which no answer ever comes may have been done, and says so', async () => {
  answers.change = async () => await Promise.reject(network());
  const writing = writes.update('a', { n: 2 });
  const [error] = await Promise.all([writing.catch((thrown: unknown) => thrown), clock.advance(60_000)]);
  expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', transient: true });
  expect(sent).toHaveLength(4);
  expect(shown()).toEqual([['a', { n: 1, m: 1 }, null]]);
});

test('an insert is sent once, whatever becomes of its answer', async () => {
  answers.create = async () => await Promise.reject(network());
  await expect(writes.insert({ n: 5 })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  expect(sent).toHaveLength(1);
  expect(shown()).toHaveLength(1);
});

test('a new row is there at once, once under either name, and goes when no list and no stream ever tells of it', async () => {
  const answer = promised<TableRecord>();
  answers.create = () => answer.promise;
  const writing = writes.insert({ n: 5 });
  expect(shown()).toContainEqual([expect.stringMatching(/^draft-/), { n: 5 }, 'insert']);
  answer.resolve(record('b', { n: 5 }, 4));
  await writing;
  expect(shown().map((row) => (row as string[])[0])).toEqual(['a', 'b']);
  rows.put(record('b', { n: 5 }, 4));
  expect(shown().map((row) => (row as string[])[0])).toEqual(['a', 'b']);
  rows.remove('b');
  await clock.advance(10_000);
  expect(shown().map((row) => (row as string[])[0])).toEqual(['a']);
});

test('a row that was just inserted can be written again before any stream tells of it', async () => {
  answers.create = async () => await Promise.resolve(record('b', { n: 5 }, 4));
  answers.change = async (_table, id, fields) => await Promise.resolve(record(id, fields, 5));
  answers.remove = async () => await Promise.resolve();
  const { id } = await writes.insert({ n: 5 });
  await writes.update(id, { n: 6 });
  expect(sent.at(-1)).toBe(`change b {"n":6} ${at(4)}`);
  expect(shown()).toContainEqual(['b', { n: 6 }, null]);
  await writes.delete(id);
  expect(shown()).toEqual([['a', { n: 1, m: 1 }, null]]);
});

test('a deleted row is hidden at once, and comes back when the server refuses', async () => {
  const answer = promised<undefined>();
  answers.remove = () => answer.promise;
  const refused = writes.delete('a');
  expect(shown()).toEqual([]);
  answer.reject(new ClientError('FORBIDDEN', 'no', { status: 403 }));
  await expect(refused).rejects.toMatchObject({ status: 403 });
  expect(shown()).toHaveLength(1);
});

test('a record that is gone already counts as deleted', async () => {
  answers.remove = async () => await Promise.reject(new ClientError('NOT_FOUND', 'gone', { status: 404 }));
  await writes.delete('a');
  expect(shown()).toEqual([]);
});

test('what is not in the source is neither written nor deleted', async () => {
  await expect(writes.update('x', { n: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(writes.delete('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(sent).toEqual([]);
});

test('more than a thousand writes at once are refused', async () => {
  const answer = promised<TableRecord>();
  answers.create = () => answer.promise;
  const under = Array.from({ length: 1000 }, () => writes.insert({ n: 1 }));
  await expect(writes.insert({ n: 1 })).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  answer.resolve(record('b', { n: 1 }, 4));
  await Promise.all(under);
  await settle();
  expect(sent).toHaveLength(1000);
});
