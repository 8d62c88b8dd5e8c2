import { expect, test } from 'vitest';
import { Places } from './places.ts';

const limits = { total: 3, perHost: 2, waiting: 3, waitingPerHost: 2 };
const never = new AbortController().signal;
/** Whether it has come to an end yet. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('a host that has all its places makes nobody else wait', async () => {
  const places = new Places(limits);
  const first = await places.enter('slow', never);
  await places.enter('slow', never);
  const third = places.enter('slow', never);
  expect(await isSettled(third)).toBe(false);
  expect(await isSettled(places.enter('other', never))).toBe(true);
  first?.();
  // Twice is once: otherwise somebody would get a place that is taken.
  first?.();
  expect(await isSettled(third)).toBe(true);
  expect(await isSettled(places.enter('another', never))).toBe(false);
});

test('who came first is next, among those for whose host there is room', async () => {
  const places = new Places({ ...limits, total: 2, perHost: 1 });
  const one = await places.enter('a', never);
  const two = await places.enter('b', never);
  const again = places.enter('a', never);
  const other = places.enter('c', never);
  two?.();
  expect([await isSettled(again), await isSettled(other)]).toEqual([false, true]);
  one?.();
  expect(await isSettled(again)).toBe(true);
});

test('only so many wait, over all and for one host', async () => {
  const places = new Places(limits);
  for (const host of ['a', 'a', 'b']) await places.enter(host, never);
  void places.enter('a', never);
  void places.enter('a', never);
  expect(await places.enter('a', never)).toBeUndefined();
  void places.enter('b', never);
  expect(await places.enter('c', never)).toBeUndefined();
});

test('who gives up waiting gets no place and takes none', async () => {
  const places = new Places({ ...limits, perHost: 1 });
  const leave = await places.enter('a', never);
  const end = new AbortController();
  const impatient = places.enter('a', end.signal);
  const patient = places.enter('a', never);
  end.abort(new Error('enough'));
  await expect(impatient).rejects.toThrow('enough');
  leave?.();
  expect(await isSettled(patient)).toBe(true);
  await expect(places.enter('b', end.signal)).rejects.toThrow('enough');
});
