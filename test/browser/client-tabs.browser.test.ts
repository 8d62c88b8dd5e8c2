import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrowserProfile } from '../support/browser-tab.ts';
import { launchChromium } from '../support/chromium.ts';
import type { ClientTab } from './client-tab.ts';
import { ClientWorld } from './client-world.ts';
import type { ClientScene } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await ClientWorld.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Tabs of Alice in one browser, all live, the first of which came first and so has the connection. */
async function openTabs(scene: ClientScene, count: number): Promise<readonly ClientTab[]> {
  const profile = await scene.profile();
  const tabs: ClientTab[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const tab = await scene.open('alice', { profile });
    await tab.until('live');
    tabs.push(tab);
  }
  return tabs;
}

async function untilConnected(scene: ClientScene, count: number): Promise<void> {
  await waitFor(async () => (await scene.connections('alice')) === count, {
    what: `Alice has ${count} connection(s)`,
    timeoutMs: 30_000,
  });
}

/** Rows are those of REST, every creation was told once and in order, and one connection is all that there is. */
async function allIsWell(scene: ClientScene, tabs: readonly ClientTab[]): Promise<void> {
  await scene.rows.rest();
  const { titles } = scene.rows;
  for (const tab of tabs) {
    await tab.until('live', 'websocket');
    await scene.untilEqual(tab);
    await waitFor(async () => (await tab.ask('driver.events.at(-1)')) === titles.at(-1), {
      what: 'the last event was told',
      timeoutMs: 20_000,
    });
    const events = await tab.ask<readonly string[]>('driver.events');
    expect(events).toEqual(titles.slice(-events.length));
    expect(await tab.ask('driver.resyncs')).toBe(0);
    expect(await tab.ask('driver.errors')).toEqual([]);
  }
  await untilConnected(scene, 1);
}

test.concurrent('two tabs of one browser share a connection, and both are told everything', async () => {
  await using scene = await world.enter();
  const tabs = await openTabs(scene, 2);
  await untilConnected(scene, 1);
  await scene.rows.write(5);
  await allIsWell(scene, tabs);
  expect(scene.proxy.asked.filter((line) => line.startsWith('UPGRADE'))).toHaveLength(1);
});

test.concurrent(
  'when the tab is closed that has the connection, the next one takes its place, and nothing is lost or fetched',
  async () => {
    await using scene = await world.enter();
    const [first, ...others] = await openTabs(scene, 3);
    scene.rows.begin();
    await first?.close();
    await waitFor(() => scene.rows.titles.length > 20, { what: 'much is written', timeoutMs: 30_000 });
    await allIsWell(scene, others);

    scene.rows.begin();
    await others[0]?.close();
    await waitFor(() => scene.rows.titles.length > 40, { what: 'more is written', timeoutMs: 30_000 });
    await allIsWell(scene, others.slice(1));
    expect(scene.proxy.lists).toBe(3);
    await others[1]?.close();
    await untilConnected(scene, 0);
  },
);

test.concurrent('a tab is closed that only listens, and nobody else notices', async () => {
  await using scene = await world.enter();
  const [first, second] = (await openTabs(scene, 2)) as [ClientTab, ClientTab];
  const from = await first.now();
  scene.rows.begin();
  await second.close();
  await waitFor(() => scene.rows.titles.length > 10, { what: 'much is written', timeoutMs: 30_000 });
  await allIsWell(scene, [first]);
  expect(await first.statesSince(from)).toEqual([]);
});

test.concurrent('when the tab crashes that has the connection, the next one takes its place', async () => {
  await using scene = await world.enter();
  const [first, second] = (await openTabs(scene, 2)) as [ClientTab, ClientTab];
  scene.rows.begin();
  // There is nobody left to answer.
  void first.tab.send('Page.crash').catch(() => undefined);
  await waitFor(() => scene.rows.titles.length > 15, { what: 'much is written', timeoutMs: 30_000 });
  await allIsWell(scene, [second]);
  expect(scene.proxy.lists).toBe(2);
});

test.concurrent(
  'when the tab is frozen that has the connection, another one takes its place, also after it is back',
  async () => {
    await using scene = await world.enter();
    const [first, second] = (await openTabs(scene, 2)) as [ClientTab, ClientTab];
    scene.rows.begin();
    await first.tab.freeze(true);
    await waitFor(() => scene.rows.titles.length > 20, { what: 'much is written', timeoutMs: 30_000 });
    await allIsWell(scene, [second]);
    scene.rows.begin();
    await first.tab.freeze(false);
    await waitFor(() => scene.rows.titles.length > 30, { what: 'more is written', timeoutMs: 30_000 });
    await allIsWell(scene, [first, second]);
    expect(scene.proxy.lists).toBe(2);
  },
);

test.concurrent('when the tab goes to another page and back, both have everything', async () => {
  await using scene = await world.enter();
  const [first, second] = (await openTabs(scene, 2)) as [ClientTab, ClientTab];
  scene.rows.begin();
  await first.leave(scene.proxy.origin);
  await waitFor(() => scene.rows.titles.length > 10, { what: 'much is written', timeoutMs: 30_000 });
  await allIsWell(scene, [second]);
  await first.comeBack();
  expect(await first.ask('driver.shown')).toEqual([false, true]);
  await scene.rows.write(3);
  await allIsWell(scene, [first, second]);
});

test.concurrent('the network goes and comes for all tabs of a browser at once', async () => {
  await using scene = await world.enter();
  const tabs = await openTabs(scene, 2);
  scene.rows.begin();
  scene.proxy.cut();
  for (const tab of tabs) await tab.until('behind');
  await waitFor(() => scene.rows.titles.length > 10, { what: 'much is written', timeoutMs: 30_000 });
  await allIsWell(scene, tabs);
  expect(scene.proxy.lists).toBe(2);
});

test.concurrent(
  'two people in one browser have connections of their own, and neither is shown what only the other may see',
  async () => {
    await using scene = await world.enter();
    const profile = await scene.profile();
    const alice = await scene.open('alice', { profile });
    const bob = await scene.open('bob', { profile });
    await alice.until('live');
    await bob.until('live');
    await untilConnected(scene, 1);
    expect(await scene.connections('bob')).toBe(1);
    await scene.rows.write(2);
    const secret = { titel: 'secret', status: 'vertrouwelijk', melderEmail: 'someone@example.org' };
    await scene.town.as('alice').send('POST', `/api/objects/${scene.town.collection}`, secret);
    await scene.rows.write(1);
    await scene.untilEqual(alice, 'alice');
    await scene.untilEqual(bob, 'bob');
    expect((await alice.describe()).rows).toHaveLength(4);
    expect((await bob.describe()).rows).toHaveLength(3);
    expect(await bob.ask('driver.events')).toEqual(['row 1', 'row 2', 'row 3']);
  },
);

test.concurrent('tabs of different browsers, and tabs that do not want to, share nothing', async () => {
  await using scene = await world.enter();
  const tabs = await openTabs(scene, 2);
  const elsewhere = await scene.open('alice');
  await elsewhere.until('live');
  const alone = await scene.open('alice', { profile: await scene.profile(), shareTabs: false });
  await alone.until('live');
  await untilConnected(scene, 3);
  await scene.rows.write(3);
  for (const tab of [...tabs, elsewhere, alone]) await scene.untilEqual(tab);
});

test.concurrent(
  'a hidden tab whose timers hardly run keeps the connection, and who looks at another one notices nothing',
  async () => {
    await using scene = await world.enter();
    await using browser = await launchChromium('everyday', [
      '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1',
    ]);
    const profile = await BrowserProfile.create(browser);
    const hidden = await scene.open('alice', { profile });
    await hidden.until('live', 'websocket');
    const visible = await scene.open('alice', { profile });
    await visible.until('live', 'websocket');
    await hidden.run('driver.ticks = 0; setInterval(() => { driver.ticks += 1; }, 1000);');
    const [from, began] = [await visible.now(), performance.now()];
    scene.rows.begin();
    // Longer than a follower waits for its leader to say something.
    const long = (): boolean => performance.now() - began > 30_000;
    await waitFor(long, { what: 'a while has passed', timeoutMs: 40_000 });
    expect(await hidden.ask<number>('driver.ticks')).toBeLessThan(15);
    expect(await visible.statesSince(from)).toEqual([]);
    await allIsWell(scene, [hidden, visible]);
    expect(scene.proxy.asked.filter((line) => line.startsWith('UPGRADE'))).toHaveLength(1);
  },
);
