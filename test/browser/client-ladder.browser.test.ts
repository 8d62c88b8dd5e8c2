import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fate } from '../support/faulty-proxy.ts';
import type { ClientTab } from './client-tab.ts';
import { ClientWorld } from './client-world.ts';
import type { ClientScene } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await ClientWorld.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Pauses the writer, and looks whether everything that it has written is there. */
async function compare(scene: ClientScene, tab: ClientTab): Promise<void> {
  await scene.rows.rest();
  await scene.untilEqual(tab);
}

/**
 * At the end: rows are those of REST, and what was created after the first `live` was told, once each and in order, without
 * anything that would make up for a gap. `before`: how many rows there were then.
 */
async function nothingLost(scene: ClientScene, tab: ClientTab, before: number): Promise<void> {
  await compare(scene, tab);
  const { titles } = scene.rows;
  await waitFor(async () => (await tab.ask('driver.events.at(-1)')) === titles.at(-1), {
    what: 'the last event was told',
    timeoutMs: 20_000,
  });
  const events = await tab.ask<readonly string[]>('driver.events');
  expect(events).toEqual(titles.slice(-events.length));
  expect(events.length).toBeGreaterThanOrEqual(titles.length - before);
  expect(await tab.ask('driver.resyncs')).toBe(0);
  expect(await tab.ask('driver.errors')).toEqual([]);
}

const NETWORKS: readonly { readonly sockets: Fate; readonly streams: Fate; readonly polls: Fate }[] = [
  { sockets: 'forbid', streams: 'page', polls: 'forbid' },
  { sockets: 'swallow', streams: 'swallow', polls: 'page' },
  { sockets: 'reset', streams: 'collect', polls: 'reset' },
];

test.concurrent.for(NETWORKS)(
  'where WebSockets are met by $sockets, streams by $streams and polls by $polls, rows go on by what is left, and up again',
  async ({ sockets, streams, polls }) => {
    await using scene = await world.enter();
    const { proxy, rows } = scene;
    await rows.write(5);
    proxy.upgrades = sockets;
    const tab = await scene.open('alice', { pollIntervalMs: 1000 });
    rows.begin();
    await tab.until('live', 'sse');
    const written = rows.titles.length;
    await compare(scene, tab);
    expect(proxy.lists).toBe(1);

    rows.begin();
    proxy.streams = streams;
    proxy.cut();
    await tab.until('live', 'poll');
    await compare(scene, tab);
    expect(proxy.lists).toBe(1);

    rows.begin();
    proxy.polls = polls;
    proxy.cut();
    await tab.until('polling');
    const before = proxy.lists;
    await waitFor(() => proxy.lists >= before + 3, { what: 'lists are asked for', timeoutMs: 20_000 });
    await compare(scene, tab);

    rows.begin();
    proxy.mend();
    await tab.until('live', 'websocket');
    const after = proxy.lists;
    await waitFor(() => rows.titles.length > written + 10, { what: 'more was written', timeoutMs: 20_000 });
    await nothingLost(scene, tab, written);
    expect(proxy.lists).toBe(after);
    expect(await tab.describe()).toMatchObject({ state: 'live', transport: 'websocket' });
  },
);

test.concurrent(
  'who is told by a stream goes up to a WebSocket as soon as there can be one, and fetches nothing',
  async () => {
    await using scene = await world.enter();
    const { proxy, rows } = scene;
    await rows.write(5);
    proxy.upgrades = 'forbid';
    const tab = await scene.open('alice');
    await tab.until('live', 'sse');
    const from = await tab.now();
    rows.begin();
    // The first trial, beside the stream, finds what there was before.
    const tried = (): number => proxy.asked.filter((line) => line.startsWith('UPGRADE')).length;
    await waitFor(() => tried() >= 2, { what: 'a WebSocket was tried again', timeoutMs: 20_000 });
    expect((await tab.describe()).transport).toBe('sse');
    proxy.mend();
    await tab.until('live', 'websocket', 30_000);
    await nothingLost(scene, tab, 5);
    expect(proxy.lists).toBe(1);
    expect(await tab.statesSince(from)).toEqual(['behind', 'live']);
    await waitFor(async () => (await scene.connections('alice')) === 1, {
      what: 'the stream is given up',
      timeoutMs: 20_000,
    });
  },
);

test.concurrent(
  'a socket that is cut in the middle of everything is made again, and nothing is lost or fetched',
  async () => {
    await using scene = await world.enter();
    const { proxy, rows } = scene;
    const tab = await scene.open('alice');
    await tab.until('live', 'websocket');
    rows.begin();
    for (let cuts = 1; cuts <= 3; cuts += 1) {
      proxy.cut();
      await tab.until('behind');
      await tab.until('live', 'websocket');
    }
    await nothingLost(scene, tab, 0);
    expect(proxy.lists).toBe(1);
  },
);

test.concurrent('a socket of which nothing comes any more is noticed, said, and made again', async () => {
  await using scene = await world.enter();
  const { proxy, rows } = scene;
  await rows.write(3);
  const tab = await scene.open('alice');
  await tab.until('live', 'websocket');
  const from = await tab.now();
  proxy.blackHole();
  await rows.write(3);
  await tab.until('behind', undefined, 70_000);
  await tab.until('live', 'websocket');
  await nothingLost(scene, tab, 3);
  expect(proxy.lists).toBe(1);
  expect(await tab.statesSince(from)).toEqual(['behind', 'live']);
});

test.concurrent('a stream of which nothing comes any more is replaced by another one', async () => {
  await using scene = await world.enter();
  const { proxy, rows } = scene;
  await rows.write(3);
  const tab = await scene.open('alice', { transports: ['sse'] });
  await tab.until('live', 'sse');
  proxy.blackHole();
  await rows.write(3);
  const shown = async (): Promise<boolean> => (await tab.describe()).rows.length === 6;
  await waitFor(shown, { what: 'what was written meanwhile is shown', timeoutMs: 70_000 });
  await nothingLost(scene, tab, 3);
  expect(proxy.lists).toBe(1);
});
