import { describe, expect, test } from 'vitest';
import { World, expectAll, first, twoTabs } from '../../test/shared-world.ts';
import type { Tab } from '../../test/shared-world.ts';

describe('when the leader', () => {
  test('closes, another goes on from its own cursor: it misses nothing and is told nothing twice', async () => {
    const { world, server, one, readers } = await twoTabs();
    server.append('orders');
    one.link.close();
    await world.append('orders', 'orders');
    expect(server.links.size).toBe(1);
    expectAll([readers[1]], 4);
    expect(readers[0].error?.code).toBe('CLOSED');
  });

  test('closes, the next one leads at once', async () => {
    const { world, one, two } = await twoTabs();
    one.link.close();
    await world.browser.pass(200);
    expect(two.link.status.state).toBe('live');
  });

  test('crashes, another goes on', async () => {
    const { world, server, one, readers } = await twoTabs();
    server.append('orders');
    one.machine.crash();
    server.links.delete(first(server.links));
    await world.append('orders');
    expectAll([readers[1]], 3);
  });

  test('is frozen, it is replaced, and steps back when it wakes', async () => {
    const { world, server, one, two, readers } = await twoTabs();
    one.machine.freeze();
    await world.append('orders');
    expect(readers[1].seen).toHaveLength(1);
    await world.browser.pass(25_000);
    expectAll([readers[1]], 2);
    expect(server.links.size).toBe(2);
    one.machine.thaw();
    await world.append('orders');
    expect(server.links.size).toBe(1);
    expect(first(server.links).tab).toBe(two.machine);
    expectAll(readers, 3);
  });

  test('is not told that the lock was taken from it, it steps back at a word of the next one', async () => {
    const { world, server, one, two, readers } = await twoTabs();
    world.browser.discreet = true;
    world.browser.deafness = 1;
    one.machine.freeze();
    await world.browser.pass(25_000);
    one.machine.thaw();
    await world.append('orders');
    expect([...server.links].map(({ tab }) => tab)).toEqual([two.machine]);
    expectAll(readers, 2);
  });

  test('has the lock taken from it by nobody that it knows, it steps back and waits in line', async () => {
    const { world, server, readers } = await twoTabs();
    const stranger = world.browser.open();
    void stranger.locks.request('tidewire:ann:1', { steal: true }, () => new Promise(() => {}));
    await world.browser.pass(1000);
    expect(server.links.size).toBe(0);
    stranger.crash();
    await world.append('orders');
    expect(server.links.size).toBe(1);
    expectAll(readers, 2);
  });

  test('closes and the next in line is frozen, the others do not say live meanwhile', async () => {
    const world = new World();
    const [one, two, three] = (await world.tabs(3)) as [Tab, Tab, Tab];
    const reader = three.read();
    await world.append('orders');
    two.machine.freeze();
    one.link.close();
    await world.browser.pass(100);
    expect(three.link.status.state).toBe('connecting');
    expect(reader.live).toBe(false);
    await world.browser.pass(25_000);
    await world.append('orders');
    expectAll([reader], 2);
  });

  test('closes, it waits for no lock any more', async () => {
    const { world, one } = await twoTabs();
    one.link.close();
    await world.browser.pass(1000);
    expect(world.browser.waiting).not.toContain(one.machine);
  });

  test('is frozen, the others say so before they replace it', async () => {
    const { world, one, two } = await twoTabs();
    one.machine.freeze();
    const states: string[] = [];
    two.link.watch(() => states.push(two.link.status.state));
    await world.browser.pass(30_000);
    expect(states).toEqual(['silent', 'connecting', 'live']);
  });

  test('has slow timers, as hidden tabs do, it is not replaced', async () => {
    const world = new World();
    const machine = world.browser.open();
    machine.throttled = true;
    world.open('ann', machine);
    await world.browser.pass(1000);
    const readers = [world.open().read(), world.open().read()];
    await world.append('orders');
    const link = first(world.server().links);
    await world.browser.pass(600_000);
    await world.append('orders');
    expectAll(readers, 2);
    expect([...world.server().links]).toEqual([link]);
  });

  test('goes where it can come back from, it keeps neither lock nor connection, and joins the others when it is back', async () => {
    const { world, server, one, two, readers } = await twoTabs();
    one.machine.store();
    expect(server.links.size).toBe(0);
    await world.append('orders');
    expect(world.browser.holders('tidewire').every((tab) => tab === two.machine)).toBe(true);
    expectAll([readers[1]], 2);
    one.machine.thaw();
    await world.append('orders');
    expect(server.links.size).toBe(1);
    expectAll(readers, 3);
  });

  test('is alone, nothing wakes it', async () => {
    const { world, one, two } = await twoTabs();
    two.link.close();
    await world.browser.pass(10_000);
    const channel = one.machine.channel('tidewire:ann:1');
    let heard = 0;
    channel.addEventListener('message', () => (heard += 1));
    await world.browser.pass(600_000);
    expect(heard).toBe(0);
  });

  test('wakes, nothing that was said to it while it was frozen is lost', async () => {
    const { world, one, two, readers } = await twoTabs();
    world.browser.deafness = 1;
    one.machine.freeze();
    const late = two.read();
    one.machine.thaw();
    await world.append('orders');
    expectAll(readers, 2);
    expectAll([late], 1);
  });

  test('goes and the clock is put back, the next one is followed all the same', async () => {
    const world = new World();
    const [one, two, three] = (await world.tabs(3)) as [Tab, Tab, Tab];
    const readers = [two.read(), three.read()];
    await world.append('orders');
    two.machine.skewMs = -3_600_000;
    one.link.close();
    await world.append('orders');
    expectAll(readers, 2);
  });
});

describe('a tab that', () => {
  test('dies is unsubscribed', async () => {
    const { world, server, two } = await twoTabs();
    expect(first(server.links).subscriptions.size).toBe(2);
    two.machine.crash();
    await world.browser.pass(100);
    expect(first(server.links).subscriptions.size).toBe(1);
  });

  test('was not told something while it was frozen is told it when it wakes', async () => {
    const { world, two, readers } = await twoTabs();
    world.browser.deafness = 1;
    two.machine.freeze();
    await world.append('orders');
    two.machine.thaw();
    await world.append('orders');
    expectAll(readers, 3);
  });

  test('is closed leaves no lock, timer, channel or connection', async () => {
    const { world, one, two } = await twoTabs();
    two.link.close();
    one.link.close();
    await world.browser.pass(1000);
    expect(world.browser.pending).toBe(0);
    expect(world.browser.channels.size).toBe(0);
    expect(world.browser.locks.size).toBe(0);
    expect(world.server().links.size).toBe(0);
    expect(one.link.status).toMatchObject({ state: 'closed', error: { code: 'CLOSED' } });
  });

  test.each([
    ['the leader closes', (one: Tab) => one.link.close()],
    ['it has to lead', (one: Tab) => one.machine.freeze()],
  ])('is closed by somebody who is interrupted when %s leaves nothing', async (_when, happen) => {
    const { world, one, two, readers } = await twoTabs();
    readers[1].stop();
    two.link.join('/dashboard', {
      message: () => undefined,
      interrupted: () => two.link.close(),
      refused: () => undefined,
    });
    await world.browser.pass(1000);
    happen(one);
    await world.browser.pass(60_000);
    expect(two.link.status.state).toBe('closed');
    one.machine.crash();
    expect(world.browser.pending).toBe(0);
    expect(world.browser.channels.size).toBe(0);
    expect(world.browser.locks.size).toBe(0);
  });

  test('is closed refuses what is asked of it, later than it was asked', async () => {
    const { world, two } = await twoTabs();
    two.link.close();
    const reader = two.read();
    expect(reader.error).toBeUndefined();
    await world.browser.pass(0);
    expect(reader.error?.code).toBe('CLOSED');
  });
});
