import { expect } from 'vitest';
import { createSharedLink } from '../src/sharing/shared-link.ts';
import { LogLink, LogServer } from './log-link.ts';
import { LogReader } from './log-reader.ts';
import { Browser } from './tabs.ts';
import type { BrowserTab } from './tabs.ts';

export type Tab = ReturnType<World['open']>;

/** Tabs of a browser, and what the server would tell each principal. */
export class World {
  readonly browser = new Browser(1);
  readonly servers = new Map<string, LogServer>();

  server(principal = 'ann'): LogServer {
    const server = this.servers.get(principal) ?? new LogServer(principal);
    this.servers.set(principal, server);
    return server;
  }

  open(principal = 'ann', machine: BrowserTab = this.browser.open()) {
    const { clock, locks, channel, page } = machine;
    const server = this.server(principal);
    const link = createSharedLink({
      key: principal,
      createLink: () => new LogLink(server, machine),
      clock,
      locks,
      channel,
      page,
      random: this.browser.random,
    });
    return { machine, link, read: (topic = 'orders') => new LogReader(server, link, topic) };
  }

  /** Tabs that have all found each other; the first one leads. */
  async tabs(count: number): Promise<readonly Tab[]> {
    const tabs: Tab[] = [];
    for (let number = 0; number < count; number += 1) {
      tabs.push(this.open());
      await this.browser.pass(1000);
    }
    return tabs;
  }

  /** After whatever is under way. */
  async append(...topics: string[]): Promise<void> {
    await this.browser.pass(1000);
    for (const topic of topics) this.server().append(topic);
    await this.browser.pass(1000);
  }
}

/** @throws Error when there is none. */
export function first<Value>(values: Iterable<Value>): Value {
  for (const value of values) return value;
  throw new Error('There is none');
}

/** The first one leads, and both read the same. */
export async function twoTabs() {
  const world = new World();
  const [one, two] = (await world.tabs(2)) as [Tab, Tab];
  const readers = [one.read(), two.read()] as const;
  await world.append('orders');
  return { world, server: world.server(), one, two, readers };
}

/** Each was told as many events, and goes on. */
export function expectAll(readers: readonly LogReader[], count: number): void {
  for (const { seen, faults, live, error } of readers) {
    expect(faults).toEqual([]);
    expect(error).toBeUndefined();
    expect(seen).toHaveLength(count);
    expect(live).toBe(true);
  }
}
