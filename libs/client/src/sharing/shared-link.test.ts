import { describe, expect, test } from 'vitest';
import { ClientError } from '../client-error.ts';
import type { LinkStatus, PresenceSink } from '../link/link.ts';
import { LogLink, position } from '../../test/log-link.ts';
import { LogReader } from '../../test/log-reader.ts';
import { World, expectAll, first, twoTabs } from '../../test/shared-world.ts';
import type { Tab } from '../../test/shared-world.ts';
import { canShare } from './can-share.ts';
import { createSharedLink } from './shared-link.ts';
import { fromStatusData, toStatusData } from './shared-messages.ts';

describe('tabs of one person', () => {
  test('share one connection, and each is told what it asked for', async () => {
    const { server, one, two, readers } = await twoTabs();
    expect(server.links.size).toBe(1);
    expectAll(readers, 1);
    expect(two.link.status).toEqual(one.link.status);
    expect(two.link.status.state).toBe('live');
  });

  test('say connecting until they know who leads', async () => {
    const world = new World();
    const { link } = world.open();
    expect(link.status.state).toBe('connecting');
    await world.browser.pass(1000);
    expect(link.status.state).toBe('idle');
  });

  test('are told the status of the connection, with its error as it was', () => {
    const error = new ClientError('UNAUTHORIZED', 'no', {
      status: 401,
      errors: [{ field: 'a', message: 'b' }],
    });
    const status: LinkStatus = { state: 'waiting', transport: null, exhausted: true, retryAt: 5, error };
    const told = fromStatusData(structuredClone(toStatusData(status)));
    expect(told).toEqual(status);
    expect(told.error).toBeInstanceOf(ClientError);
  });

  test('are not told of a status that did not change', async () => {
    const { world, two } = await twoTabs();
    let told = 0;
    two.link.watch(() => (told += 1));
    const { status } = two.link;
    await world.browser.pass(60_000);
    expect(told).toBe(0);
    expect(two.link.status).toBe(status);
  });

  test('are not refused with one whose credential does not count, and it comes back to them', async () => {
    const { world, server, one, two, readers } = await twoTabs();
    server.unwelcome.add(one.machine);
    first(server.links).break();
    await world.append('orders');
    await world.browser.pass(1000);
    expect(one.link.status).toMatchObject({ state: 'refused', error: { code: 'UNAUTHORIZED' } });
    expect(two.link.status.state).toBe('live');
    expect([...server.links].some(({ tab }) => tab === two.machine)).toBe(true);
    server.unwelcome.clear();
    one.link.reconnect();
    await world.append('orders');
    await world.browser.pass(1000);
    expect(one.link.status).toEqual(two.link.status);
    expect(server.links.size).toBe(1);
    expectAll(readers, 3);
  });

  test('can each make the connection anew', async () => {
    const { world, two, readers } = await twoTabs();
    two.link.reconnect();
    expectAll(readers, 1);
    await world.browser.pass(25);
    expect(two.link.status.state).toBe('connecting');
    await world.append('orders');
    expectAll(readers, 2);
  });

  test('are told again from where each of them is when the connection breaks', async () => {
    const { world, server, readers } = await twoTabs();
    server.append('orders');
    first(server.links).break();
    await world.append('orders');
    expectAll(readers, 3);
  });

  test('end what they do not want any more', async () => {
    const { world, server, readers } = await twoTabs();
    readers[1].stop();
    await world.append('orders');
    expect(readers[1].seen).toHaveLength(1);
    expect(first(server.links).subscriptions.size).toBe(1);
  });

  test('get a connection of their own for what the shared one has no room for', async () => {
    const world = new World();
    const [one, two] = (await world.tabs(2)) as [Tab, Tab];
    const readers = Array.from({ length: 60 }, () => [one.read(), two.read()]).flat();
    await world.append('orders');
    expectAll(readers, 1);
    expect(world.server().links.size).toBeGreaterThan(1);
    expect([...world.server().links].map(({ subscriptions }) => subscriptions.size)).not.toContain(101);
    for (const reader of readers.slice(10)) reader.stop();
    await world.append('orders');
    expectAll(readers.slice(0, 10), 2);
    expect(world.server().links.size).toBe(1);
  });

  test('get one too where the server has less room than is usual', async () => {
    const world = new World();
    world.server().room = 1;
    const [one, two] = (await world.tabs(2)) as [Tab, Tab];
    const readers = [one.read(), two.read()];
    await world.append('orders');
    expectAll(readers, 1);
    expect(world.server().links.size).toBe(2);
  });

  test('are told when the connection of their own is refused, which its status does not say', async () => {
    const world = new World();
    world.server().room = 1;
    const [one, two] = (await world.tabs(2)) as [Tab, Tab];
    const readers = [one.read(), two.read()];
    await world.append('orders');
    world.server().unwelcome.add(two.machine);
    for (const link of world.server().links) link.break();
    await world.append('orders');
    expectAll(readers.slice(0, 1), 2);
    expect(readers[1]?.error?.code).toBe('UNAUTHORIZED');
    expect(world.server().links.size).toBe(1);
  });
});

describe('on pages', () => {
  function sink(told: unknown[]): PresenceSink {
    return {
      message: (message) => told.push(message.type),
      interrupted: () => told.push('interrupted'),
      refused: ({ code }) => told.push(code),
    };
  }

  test('that two tabs are on, the connection is once, until the last of them leaves', async () => {
    const { world, server, one, two } = await twoTabs();
    const told: [unknown[], unknown[]] = [[], []];
    const stopOne = one.link.join('/dashboard', sink(told[0]));
    const stopTwo = two.link.join('/dashboard', sink(told[1]));
    await world.browser.pass(1000);
    expect(server.said).toEqual(['join /dashboard']);
    expect(told).toEqual([['presence-sync'], ['presence-sync']]);
    stopOne();
    await world.browser.pass(1000);
    expect(server.said).toEqual(['join /dashboard']);
    stopTwo();
    await world.browser.pass(1000);
    expect(server.said).toEqual(['join /dashboard', 'leave /dashboard']);
  });

  test('nobody knows who is there while there is no leader', async () => {
    const { world, one, two } = await twoTabs();
    const told: unknown[] = [];
    two.link.join('/dashboard', sink(told));
    await world.browser.pass(1000);
    one.link.close();
    await world.browser.pass(1000);
    expect(told).toEqual(['presence-sync', 'interrupted', 'presence-sync']);
  });
});

describe('an edit', () => {
  test('of another tab is announced, told of conflicts and announced again on top of them, and settled', async () => {
    const { world, server, one, two } = await twoTabs();
    const told: string[] = [];
    let updatedAt = '2026-01-01T00:00:00Z';
    const stop = two.link.edit(
      { table: 'orders', recordId: 'r1', fields: ['title'] },
      {
        updatedAt: () => updatedAt,
        conflict: (conflict) => {
          told.push(conflict.updatedAt);
          ({ updatedAt } = conflict);
        },
      },
    );
    await world.browser.pass(1000);
    first(server.links).conflict('r1', '2026-01-02T00:00:00Z');
    await world.browser.pass(1000);
    expect(told).toEqual(['2026-01-02T00:00:00Z']);
    one.link.close();
    await world.browser.pass(1000);
    stop();
    expect(server.said).toEqual([
      'edit r1 title 2026-01-01T00:00:00Z',
      'edit r1 again 2026-01-02T00:00:00Z',
      'settled r1',
      'edit r1 title 2026-01-02T00:00:00Z',
      'settled r1',
    ]);
  });
});

describe('what is not ours', () => {
  test('on the channel changes nothing', async () => {
    const { world, one, readers } = await twoTabs();
    const stranger = world.browser.open().channel('tidewire:ann:1');
    const say = stranger.postMessage.bind(stranger);
    const said: { readonly [name: string]: unknown }[] = [];
    stranger.addEventListener('message', ({ data }) => said.push(data as (typeof said)[number]));
    readers[0].stop();
    one.read('invoices');
    one.machine.tell('woke');
    await world.append('orders');
    expect(said.length).toBeGreaterThan(0);
    const news = said.filter(({ type }) => type === 'news');
    for (const words of [
      null,
      'here',
      [],
      {},
      { type: 'toString', from: 'x', term: 1 },
      { type: 'here', from: 'x', term: Infinity, status: {} },
      { type: 'here', from: 'x', term: 8e15, status: null },
      { type: 'want', from: 'x', term: 1 },
      ...news.map((message) => ({ ...message, from: 'x' })),
      ...news.map((message) => ({ ...message, term: 1 })),
      ...news.map((message) => ({ ...message, news: { message: { kind: 'event' } } })),
    ]) {
      say(words);
    }
    await world.append('orders');
    expectAll([readers[1]], 3);
  });

  test('is served only while it holds a lock of its own, once for each wish, and by the leader that it speaks to', async () => {
    const { world, server } = await twoTabs();
    const stranger = world.browser.open();
    const channel = stranger.channel('tidewire:ann:1');
    const say = channel.postMessage.bind(channel);
    let leader = { from: '', term: 0 };
    channel.addEventListener('message', ({ data }) => {
      if ((data as { type: string }).type === 'here') leader = data as typeof leader;
    });
    say({ type: 'find', from: 'x', term: 0, session: 0, said: 0 });
    await world.browser.pass(1000);
    const ask = async (term: number): Promise<void> => {
      const session = { from: 'x', to: leader.from, term, session: 1 };
      const want = { kind: 'subscription', wish: { type: 'subscribe', topic: 'orders' } };
      say({ ...session, type: 'enter' });
      say({ ...session, type: 'want', id: 'w1', want });
      say({ ...session, type: 'want', id: 'w1', want });
      await world.browser.pass(1000);
    };
    const lock = new AbortController();
    const gone = new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
    void stranger.locks.request('tidewire:ann:1:x', {}, async () => await gone);
    const subscriptions = (): number => first(server.links).subscriptions.size;
    await ask(leader.term - 1);
    expect(subscriptions()).toBe(2);
    await ask(leader.term);
    expect(subscriptions()).toBe(3);
    lock.abort();
    await world.browser.pass(1000);
    expect(subscriptions()).toBe(2);
    await ask(leader.term);
    expect(subscriptions()).toBe(2);
  });

  test('two people in one browser never exchange a word, nor a lock', async () => {
    const world = new World();
    const ann = world.open('ann');
    const bob = world.open('bob');
    const readers = [ann.read(), bob.read()];
    await world.browser.pass(1000);
    world.server('bob').append('orders');
    await world.append('orders');
    expectAll(readers, 1);
    expect(world.server('ann').links.size).toBe(1);
    expect(world.server('bob').links.size).toBe(1);
    expect(readers[0]?.seen).toEqual([position(1)]);
  });
});

describe('sharing is', () => {
  class Channel {
    close(): void {}
  }
  class Refusing extends Channel {
    constructor() {
      super();
      throw new Error('not here');
    }
  }
  const page = {
    document: {},
    origin: 'https://tidewire.example',
    navigator: { locks: { request: () => undefined } },
    BroadcastChannel: Channel,
  };

  test.each([
    ['possible on a page with locks and channels', true, page],
    ['not tried where there is no page', false, { ...page, document: undefined }],
    ['impossible without locks', false, { ...page, navigator: {} }],
    ['impossible without channels', false, { ...page, BroadcastChannel: undefined }],
    ['impossible where channels refuse', false, { ...page, BroadcastChannel: Refusing }],
    ['impossible in opaque origins', false, { ...page, origin: 'null' }],
  ])('%s', (_claim, possible, globals) => {
    expect(canShare(globals)).toBe(possible);
  });

  test('given up where locks turn out not to work: the tab has its own connection', async () => {
    const world = new World();
    const machine = world.browser.open();
    const request = (): Promise<never> => Promise.reject(new DOMException('not here', 'SecurityError'));
    const server = world.server();
    const link = createSharedLink({
      key: 'ann',
      clock: machine.clock,
      channel: machine.channel,
      page: machine.page,
      createLink: () => new LogLink(server, machine),
      random: world.browser.random,
      locks: { request: request },
    });
    const reader = new LogReader(server, link, 'orders');
    await world.browser.pass(1000);
    await world.append('orders');
    expectAll([reader], 1);
    link.close();
    await world.browser.pass(1000);
    expect(server.links.size).toBe(0);
    expect(world.browser.pending).toBe(0);
  });
});
