import type { PresenceStore } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { Departures } from './departures.ts';

/** A store that fails while it is told to, and takes note of what it was asked. */
function fakeStore(): {
  store: PresenceStore;
  removed: string[];
  told: string[];
  most: number;
  fails: boolean;
} {
  let running = 0;
  const state = {
    removed: [] as string[],
    told: [] as string[],
    most: 0,
    fails: false,
    store: {
      remove: async (page: string, connection: string): Promise<boolean> => {
        running += 1;
        state.most = Math.max(state.most, running);
        await Promise.resolve();
        running -= 1;
        if (state.fails) throw new Error('away');
        state.removed.push(`${page}.${connection}`);
        return true;
      },
      signal: (page: string, signal: { connection?: string }) =>
        void state.told.push(`${page}.${signal.connection ?? ''}`),
    } as unknown as PresenceStore,
  };
  return state;
}

test('what could not be taken away is taken away later, and told then', async () => {
  const state = fakeStore();
  const departures = new Departures(state.store, 100);
  state.fails = true;
  for (const connection of ['a', 'b', 'c']) departures.add('page', connection);
  await departures.settled();
  expect([state.removed, state.told, departures.size]).toEqual([[], [], 3]);
  state.fails = false;
  departures.retry();
  await departures.settled();
  expect(state.removed.toSorted()).toEqual(['page.a', 'page.b', 'page.c']);
  expect(state.told).toEqual(state.removed);
  expect(departures.size).toBe(0);
});

test('many that leave at once are taken away some at a time, and a bounded number waits', async () => {
  const state = fakeStore();
  const departures = new Departures(state.store, 500);
  for (let each = 0; each < 1000; each += 1) departures.add('page', String(each));
  await departures.settled();
  expect(state.most).toBe(32);
  expect(state.removed).toHaveLength(532);
});
