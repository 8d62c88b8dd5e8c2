import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrowserProfile } from '../support/browser-tab.ts';
import { launchChromium, processesOf } from '../support/chromium.ts';
import type { ClientTab } from './client-tab.ts';
import { ClientWorld } from './client-world.ts';
import type { ClientScene } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await ClientWorld.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A live tab of Alice behind an empty one, and so hidden. */
async function openHidden(
  scene: ClientScene,
  options: Parameters<ClientScene['open']>[1] = {},
): Promise<ClientTab> {
  const profile = await scene.profile();
  const tab = await scene.open('alice', { ...options, profile });
  await tab.until(options.refreshMode === 'poll' ? 'polling' : 'live');
  await profile.open();
  await waitFor(() => tab.ask<boolean>(`document.visibilityState === 'hidden'`), { what: 'it is hidden' });
  return tab;
}

async function nothingLost(scene: ClientScene, tab: ClientTab): Promise<void> {
  await scene.rows.rest();
  await tab.until('live');
  await scene.untilEqual(tab);
  const { titles } = scene.rows;
  await waitFor(async () => (await tab.ask('driver.events.at(-1)')) === titles.at(-1), {
    what: 'the last event was told',
    timeoutMs: 20_000,
  });
  expect(await tab.ask('driver.events')).toEqual(titles);
  expect(await tab.ask('driver.resyncs')).toBe(0);
  expect(await tab.ask('driver.errors')).toEqual([]);
  expect(scene.proxy.lists).toBe(1);
}

const FROZEN = (['nothing', 'cut', 'blackHole'] as const).flatMap((during) => [
  { during, shareTabs: true, connection: 'the connection of all tabs' },
  { during, shareTabs: false, connection: 'a connection of its own' },
]);

test.concurrent.for(FROZEN)(
  'a tab with $connection has everything that it missed while it was frozen (meanwhile: $during)',
  async ({ during, shareTabs }) => {
    await using scene = await world.enter();
    const tab = await openHidden(scene, { shareTabs });
    await scene.rows.write(2);
    await tab.tab.freeze(true);
    if (during !== 'nothing') scene.proxy[during]();
    await scene.rows.write(30);
    await tab.tab.freeze(false);
    await tab.tab.show();
    await nothingLost(scene, tab);
  },
);

test.concurrent.for(['cut', 'blackHole'] as const)(
  'a machine that sleeps has everything when it wakes up (meanwhile, to its connection: %s)',
  async (during) => {
    await using scene = await world.enter();
    await using browser = await launchChromium('everyday');
    const tab = await scene.open('alice', { profile: await BrowserProfile.create(browser) });
    await tab.until('live', 'websocket');
    await scene.rows.write(2);
    const processes = await processesOf(browser);
    const asleep = performance.now();
    for (const id of processes) process.kill(id, 'SIGSTOP');
    try {
      scene.proxy[during]();
      await scene.rows.write(10);
      const long = (): boolean => performance.now() - asleep > 26_000;
      await waitFor(long, { what: 'a while has passed', timeoutMs: 40_000 });
    } finally {
      for (const id of processes) process.kill(id, 'SIGCONT');
    }
    const awake = performance.now();
    await nothingLost(scene, tab);
    // A sign of life is asked for at once, and not after the longest silence.
    expect(performance.now() - awake).toBeLessThan(25_000);
  },
);

test.concurrent.for(['sse', 'poll'] as const)(
  'a tab that is frozen longer than anything may be silent has everything over %s when it is back',
  async (transport) => {
    await using scene = await world.enter();
    const tab = await openHidden(scene, { transports: [transport] });
    await scene.rows.write(2);
    await tab.tab.freeze(true);
    const asleep = performance.now();
    scene.proxy.breakRealtime('reset');
    await scene.rows.write(10);
    await waitFor(() => performance.now() - asleep > 32_000, { what: 'time passed', timeoutMs: 40_000 });
    scene.proxy.mend();
    await tab.tab.freeze(false);
    await tab.tab.show();
    await nothingLost(scene, tab);
  },
);

test.concurrent('a tab without a network says so, and has everything when there is one', async () => {
  await using scene = await world.enter();
  const tab = await scene.open('alice');
  await tab.until('live', 'websocket');
  await scene.rows.write(2);
  const from = await tab.now();
  await tab.tab.setOffline(true);
  await tab.until('behind');
  expect(await tab.describe()).toMatchObject({ link: 'offline', transport: null });
  await scene.rows.write(10);
  await tab.tab.setOffline(false);
  await nothingLost(scene, tab);
  expect(await tab.statesSince(from)).toEqual(['behind', 'live']);
});

test.concurrent('a hidden tab is told what happens as it happens', async () => {
  await using scene = await world.enter();
  const tab = await openHidden(scene);
  const from = await tab.now();
  await scene.rows.write(10);
  await nothingLost(scene, tab);
  expect(await tab.ask('document.visibilityState')).toBe('hidden');
  expect(await tab.statesSince(from)).toEqual([]);
});

test.concurrent(
  'a source that polls asks nothing while its tab is hidden, and at once when it is seen',
  async () => {
    await using scene = await world.enter();
    const polls = { refreshMode: 'poll', pollIntervalMs: 1000 } as const;
    const asked = (limit: number): number =>
      scene.proxy.asked.filter((line) => line.includes(`limit=${limit + 20}`)).length;
    const visible = await scene.open('alice', { ...polls, limit: 300 });
    await visible.until('polling');
    const hidden = await openHidden(scene, { ...polls, limit: 400 });
    const [hiddenBefore, visibleBefore] = [asked(400), asked(300)];
    await scene.rows.write(3);
    await waitFor(() => asked(300) >= visibleBefore + 4, { what: 'the other one asks', timeoutMs: 20_000 });
    expect(asked(400)).toBe(hiddenBefore);
    expect((await hidden.describe()).rows).toEqual([]);
    await hidden.tab.show();
    await scene.untilEqual(hidden);
    const seen = asked(400);
    await waitFor(() => asked(400) >= seen + 2, { what: 'it goes on asking', timeoutMs: 20_000 });
  },
);

const LEFT = (['websocket', 'sse', 'poll'] as const).flatMap((transport) => [
  { transport, shareTabs: true, connection: 'the connection of all tabs' },
  { transport, shareTabs: false, connection: 'a connection of its own' },
]);

test.concurrent.for(LEFT)(
  'a page with $connection over $transport that is gone back to is the same page, and has everything',
  async ({ transport, shareTabs }) => {
    await using scene = await world.enter();
    const tab = await scene.open('alice', { transports: [transport], shareTabs });
    await tab.until('live', transport);
    await scene.rows.write(2);
    await tab.leave(scene.proxy.origin);
    await scene.rows.write(10);
    await waitFor(async () => (await scene.connections('alice')) === 0, {
      what: 'who is away has no connection',
      timeoutMs: 30_000,
    });
    await tab.comeBack();
    expect(await tab.ask('driver.shown')).toEqual([false, true]);
    await nothingLost(scene, tab);
  },
);
