import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../test/manual-clock.ts';
import { SimulatedServer } from '../../test/simulated-server.ts';
import { createRuntime } from '../browser-runtime.ts';
import { ClientError } from '../client-error.ts';
import type { Link, LinkStatus, SubscriptionSink } from '../link/link.ts';
import type { PageLife } from '../runtime.ts';
import { LiveSource } from './live-source.ts';
import { readSourceOptions } from './source-wish.ts';
import type { DataSourceOptions } from './source.ts';

type Change = Parameters<Parameters<PageLife['watch']>[0]>[0];

/** A source with a link that says what the test wants. */
function createScene(options: Partial<DataSourceOptions> = {}) {
  const clock = new ManualClock();
  const server = new SimulatedServer(clock, () => 0.1);
  const pages = new Set<(change: Change) => void>();
  const watchers = new Set<() => void>();
  const sinks: SubscriptionSink[] = [];
  const page = {
    online: true,
    visible: true,
    watch: (listener: (change: Change) => void) => {
      pages.add(listener);
      return () => pages.delete(listener);
    },
  };
  let status: LinkStatus = {
    state: 'idle',
    transport: null,
    exhausted: false,
    retryAt: null,
    error: null,
  };
  const link: Link = {
    get status() {
      return status;
    },
    watch: (listener) => {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    subscribe: (_wish, sink) => {
      sinks.push(sink);
      return () => sinks.splice(sinks.indexOf(sink), 1);
    },
    join: () => () => undefined,
    edit: () => () => undefined,
    reconnect: () => undefined,
    close: () => undefined,
  };
  const source = new LiveSource({
    wish: readSourceOptions({ table: 'rows', sort: 'rank:desc', ...options }),
    link,
    api: server,
    runtime: createRuntime({ clock, random: () => 0.5, page }),
  });
  return {
    clock,
    server,
    source,
    sinks,
    page: (change: Change) => {
      page.visible = change === 'visible' ? true : change === 'hidden' ? false : page.visible;
      for (const listener of pages) listener(change);
    },
    status: (change: Partial<LinkStatus>) => {
      status = { ...status, ...change };
      for (const watcher of watchers) watcher();
    },
    get state() {
      return source.getSnapshot().state;
    },
    get ids() {
      return source.getSnapshot().rows.map(({ id }) => id);
    },
    current: () =>
      sinks[0]?.message({
        type: 'heartbeat',
        subscriptionId: 's1',
        eventId: server.head,
        timestamp: '2026-03-21T12:00:00.000Z',
      }),
  };
}

test('a source does nothing until somebody listens, and nothing a while after nobody does any more', async () => {
  const scene = createScene();
  await scene.clock.advance(60_000);
  expect([scene.state, scene.server.lists, scene.sinks.length]).toEqual(['idle', 0, 0]);
  const stop = scene.source.subscribe(() => undefined);
  await scene.clock.advance(5000);
  expect([scene.state, scene.server.lists, scene.sinks.length]).toEqual(['behind', 1, 1]);
  stop();
  await scene.clock.advance(4000);
  expect(scene.sinks.length).toBe(1);
  await scene.clock.advance(2000);
  expect([scene.state, scene.sinks.length]).toEqual(['idle', 0]);
});

test('who listens again within that time finds everything as it was, and afterwards goes on from the cursor', async () => {
  const scene = createScene();
  const one = scene.source.subscribe(() => undefined);
  await scene.clock.advance(5000);
  scene.current();
  expect(scene.sinks[0]?.cursor()).toBe(scene.server.head);
  one();
  const two = scene.source.subscribe(() => undefined);
  await scene.clock.advance(10_000);
  expect([scene.state, scene.sinks.length]).toEqual(['live', 1]);
  two();
  await scene.clock.advance(10_000);
  scene.source.subscribe(() => undefined);
  await settle();
  expect([scene.state, scene.sinks.length, scene.server.lists]).toEqual(['behind', 1, 1]);
});

test('a poll asks again and again, not while nobody looks, and at once when somebody does', async () => {
  const scene = createScene({ refreshMode: 'poll', pollIntervalMs: 1000 });
  scene.source.subscribe(() => undefined);
  await scene.clock.advance(10_500);
  expect(scene.state).toBe('polling');
  const before = scene.server.lists;
  expect(before).toBeGreaterThan(5);
  scene.page('hidden');
  await scene.clock.advance(60_000);
  expect(scene.server.lists).toBeLessThanOrEqual(before + 1);
  const hidden = scene.server.lists;
  scene.page('visible');
  await settle();
  expect(scene.server.lists).toBe(hidden + 1);
});

test('while no transport works the rows are asked for, and no more when one does', async () => {
  const scene = createScene({ pollIntervalMs: 1000 });
  scene.source.subscribe(() => undefined);
  await scene.clock.advance(3000);
  scene.status({ exhausted: true });
  scene.server.write(undefined, { open: true, rank: 1 });
  await scene.clock.advance(5000);
  expect([scene.state, scene.ids]).toEqual(['polling', ['row-000001']]);
  scene.status({ exhausted: false });
  scene.current();
  await scene.clock.advance(5000);
  const before = scene.server.lists;
  expect(scene.state).toBe('live');
  await scene.clock.advance(60_000);
  expect(scene.server.lists).toBe(before);
});

test('who is refused is shown nothing any more, and everything again when it is not', async () => {
  const scene = createScene();
  scene.server.write(undefined, { open: true, rank: 1 });
  scene.source.subscribe(() => undefined);
  await scene.clock.advance(3000);
  scene.current();
  await settle();
  expect(scene.ids).toHaveLength(1);
  const error = new ClientError('CREDENTIAL_ENDED', 'over', { status: 401 });
  scene.status({ state: 'refused', error });
  await settle();
  expect(scene.source.getSnapshot()).toMatchObject({
    rows: [],
    total: 0,
    state: 'failed',
    asOf: null,
    error,
  });
  scene.status({ state: 'connecting', error: null });
  scene.source.recover();
  await scene.clock.advance(3000);
  expect(scene.ids).toHaveLength(1);
});

test('a snapshot is the same object until something changes, and is told once for everything that happens at once', async () => {
  const scene = createScene();
  let told = 0;
  scene.source.subscribe(() => (told += 1));
  await scene.clock.advance(3000);
  scene.current();
  await settle();
  const [before, snapshot] = [told, scene.source.getSnapshot()];
  expect(scene.source.getSnapshot()).toBe(snapshot);
  for (let rank = 0; rank < 50; rank += 1) {
    scene.server.write(undefined, { open: true, rank });
    const next = scene.server.next('s1', rank, 1);
    for (const message of next?.[0] ?? []) scene.sinks[0]?.message(message as never);
  }
  await settle();
  expect([told - before, scene.source.getSnapshot().rows.length]).toEqual([1, 50]);
});

test('an insert of which the stream tells before its answer comes is one row all the time', async () => {
  const scene = createScene();
  const counts: number[] = [];
  scene.source.subscribe(() => counts.push(scene.ids.length));
  await scene.clock.advance(3000);
  scene.current();
  await settle();
  counts.length = 0;
  const answer = Promise.withResolvers<undefined>();
  const create = scene.server.create.bind(scene.server);
  scene.server.create = async (table, fields) => {
    const written = await create(table, fields);
    await answer.promise;
    return written;
  };
  const writing = scene.source.insert({ open: true, rank: 3 });
  await settle();
  scene.server.write(undefined, { open: true, rank: 1 });
  const [messages = []] = scene.server.next('s1', 0, 5) ?? [];
  for (const message of messages) scene.sinks[0]?.message(message as never);
  await settle();
  expect(scene.source.getSnapshot().rows).toMatchObject([{ pending: 'insert' }]);
  answer.resolve(undefined);
  await writing;
  await settle();
  expect(scene.ids).toEqual(['row-000001', 'row-000002']);
  expect(Math.max(...counts.slice(0, -1))).toBe(1);
});

test('`refetch` resolves when the rows are those of a list that was asked for after it', async () => {
  const scene = createScene({ refreshMode: 'static' });
  await Promise.all([scene.source.ready(), scene.clock.advance(3000)]);
  scene.server.write(undefined, { open: true, rank: 1 });
  await Promise.all([scene.source.refetch(), scene.clock.advance(3000)]);
  expect([scene.state, scene.ids.length]).toEqual(['settled', 1]);
});

test('fields that were fetched only to sort by are not shown', async () => {
  const scene = createScene({ fields: ['note'] });
  scene.server.write(undefined, { open: true, rank: 1, note: 'a' });
  scene.source.subscribe(() => undefined);
  await scene.clock.advance(3000);
  expect(scene.source.getSnapshot().rows[0]?.fields).toEqual({ note: 'a' });
});
