import type { ClientMessage, PresentUser } from '@tidewire/contract';
import { expect, test, vi } from 'vitest';
import { ConnectionLink } from '../link/connection-link.ts';
import type { PresenceSink } from '../link/link.ts';
import type { Transport, TransportListener } from '../transports/transport.ts';
import { LogLink, LogServer } from '../../test/log-link.ts';
import { LogReader } from '../../test/log-reader.ts';
import { Browser } from '../../test/tabs.ts';
import type { BrowserTab } from '../../test/tabs.ts';
import { createSharedLink } from './shared-link.ts';

const PAGE = '/dashboard';

function user(id: string): PresentUser {
  return { id, name: id, pagePath: PAGE, joinedAt: '2026-01-01T00:00:00Z' };
}

/** A server that knows ann and bob to be on every page. */
class PresenceTransport implements Transport {
  readonly name = 'websocket';
  readonly silenceMs = 1_000_000;
  readonly said: ClientMessage['type'][] = [];
  listener: TransportListener | undefined;
  readonly #tab: BrowserTab;

  constructor(tab: BrowserTab) {
    this.#tab = tab;
  }

  open: Transport['open'] = (_order, listener) => {
    this.listener = listener;
    const later = (run: () => void): void => void this.#tab.browser.add(this.#tab, 10, run);
    later(() => listener.opened());
    return {
      speaks: true,
      say: (message) => {
        this.said.push(message.type);
        if (message.type !== 'join') return;
        later(() =>
          listener.message({ type: 'presence-sync', pagePath: PAGE, users: [user('ann'), user('bob')] }),
        );
      },
      ping: () => later(() => listener.heard()),
      add: () => undefined,
      remove: () => undefined,
      renew: () => undefined,
      close: () => undefined,
    };
  };
}

test('who joins a page that another tab is on is told at once who is there, and the connection joins it once', async () => {
  const browser = new Browser(1);
  const transports: PresenceTransport[] = [];
  const open = () => {
    const machine = browser.open();
    const { clock, locks, channel, page } = machine;
    const { random } = browser;
    const runtime = { clock, random, page, fetch: globalThis.fetch, WebSocket: undefined };
    const createLink = (): ConnectionLink => {
      const transport = new PresenceTransport(machine);
      transports.push(transport);
      return new ConnectionLink({
        loadUpgrade: async () => await Promise.reject(new Error('nothing is below')),
        url: 'https://tidewire.example',
        runtime,
        transports: [transport],
        getToken: undefined,
        identify: () => Promise.resolve('ann'),
      });
    };
    return createSharedLink({ key: 'ann', createLink, clock, random, locks, channel, page });
  };
  const join = (link: ReturnType<typeof open>) => {
    const told: string[] = [];
    const sink: PresenceSink = {
      message: (message) =>
        told.push(
          message.type === 'presence-sync' ? message.users.map(({ id }) => id).join(' ') : message.type,
        ),
      interrupted: () => told.push('interrupted'),
      refused: ({ code }) => told.push(code),
    };
    return { told, leave: link.join(PAGE, sink) };
  };
  const [one, two] = [open(), open()];
  await browser.pass(1000);
  const first = join(one);
  await browser.pass(1000);
  transports[0]?.listener?.message({ type: 'join', user: user('carol') });
  const second = join(two);
  await browser.pass(1000);
  expect(first.told).toEqual(['ann bob', 'join']);
  expect(second.told).toEqual(['ann bob carol']);
  first.leave();
  await browser.pass(1000);
  expect(transports.map(({ said }) => said)).toEqual([['join']]);
  second.leave();
  await browser.pass(1000);
  expect(transports.map(({ said }) => said)).toEqual([['join', 'leave']]);
  one.close();
  two.close();
  await browser.pass(10_000);
  expect(browser.pending).toBe(0);
});

/** Time as it is. */
class RealTime extends Browser {
  override add(_tab: BrowserTab, delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  }
}

test.runIf('locks' in navigator)('works with the locks and channels of the platform', async () => {
  const browser = new RealTime(Math.floor(performance.timeOrigin));
  const server = new LogServer('ann');
  const key = `test-${performance.timeOrigin}`;
  const links = Array.from({ length: 3 }, () => {
    const { clock, page } = browser.open();
    return createSharedLink({
      key,
      clock,
      page,
      random: Math.random,
      locks: navigator.locks,
      createLink: () => new LogLink(server, browser.open()),
      channel: (name) => new BroadcastChannel(name),
    });
  });
  const readers = links.map((link) => new LogReader(server, link, 'orders'));
  try {
    for (const [index, link] of links.entries()) {
      const left = readers.slice(index);
      await vi.waitFor(() => expect(left.map(({ live }) => live)).not.toContain(false), 10_000);
      server.append('orders');
      await vi.waitFor(
        () => expect(left.map(({ seen }) => seen.length)).toEqual(left.map(() => index + 1)),
        10_000,
      );
      expect(server.links.size).toBe(1);
      link.close();
    }
    expect(readers.flatMap(({ faults }) => faults)).toEqual([]);
    await vi.waitFor(async () => {
      const { held = [], pending = [] } = await navigator.locks.query();
      expect([...held, ...pending].filter(({ name }) => name?.includes(key))).toEqual([]);
    }, 10_000);
  } finally {
    for (const link of links) link.close();
  }
});
