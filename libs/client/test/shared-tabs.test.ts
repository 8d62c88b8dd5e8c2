import { expect, test } from 'vitest';
import type { Link } from '../src/link/link.ts';
import { createSharedLink } from '../src/sharing/shared-link.ts';
import { LogLink, LogServer } from './log-link.ts';
import { LogReader } from './log-reader.ts';
import { Browser } from './tabs.ts';
import type { BrowserTab } from './tabs.ts';

const SEEDS = Number(process.env['TIDEWIRE_CLIENT_SEEDS'] ?? 300);
const STEPS = 100;
const TOPICS = ['orders', 'invoices', 'people'];
const PEOPLE = ['ann', 'bob'];
/** Longer than it takes until whoever does not answer is replaced, and everything is connected again. */
const CALM_MS = 90_000;

interface Tab {
  readonly machine: BrowserTab;
  readonly server: LogServer;
  readonly link: Link;
  readonly readers: LogReader[];
}

/** Tabs of two people in one browser, to which anything happens at any time. */
class World {
  readonly browser: Browser;
  readonly servers = PEOPLE.map((name) => new LogServer(name));
  readonly tabs = new Set<Tab>();
  /** Of tabs that are gone, too: what they were told has to be right. */
  readonly readers = new Set<LogReader>();
  /** What was done, for the message of a failure. */
  readonly story: string[] = [];

  constructor(seed: number) {
    this.browser = new Browser(seed);
    this.browser.deafness = this.#below(3) / 2;
    for (const server of this.servers) server.room = this.#below(4) === 0 ? 3 : 100;
  }

  async step(): Promise<void> {
    const tab = this.#pick([...this.tabs]);
    const weights: readonly [number, string, () => void][] = [
      [this.tabs.size < 6 ? 8 : 0, 'open', () => this.#open()],
      [25, 'append', () => this.#pick(this.servers)?.append(this.#pick(TOPICS) ?? '')],
      [20, 'read', () => tab && this.#read(tab)],
      [6, 'stop', () => this.#stop(tab)],
      [4, 'close', () => tab && this.#close(tab)],
      [4, 'crash', () => tab && this.#crash(tab)],
      [5, 'freeze', () => tab?.machine.freeze()],
      [4, 'store', () => this.#store(tab)],
      [10, 'thaw', () => this.#thaw(tab)],
      [3, 'throttle', () => this.#throttle(tab)],
      [3, 'wake', () => tab?.machine.frozen === false && tab.machine.tell('woke')],
      [3, 'reconnect', () => tab?.machine.frozen === false && tab.link.reconnect()],
      [6, 'break', () => this.#break()],
    ];
    const total = weights.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.browser.random() * total;
    for (const [weight, name, act] of weights) {
      at -= weight;
      if (at >= 0) continue;
      this.story.push(name);
      act();
      break;
    }
    const patience = this.#pick([0, 0, 5, 30, 200, 3000, 30_000]) ?? 0;
    await this.browser.pass(this.#below(patience + 1));
  }

  /** Everything wakes up, and nothing happens for a while. */
  async calm(): Promise<void> {
    for (const tab of this.tabs) {
      tab.machine.throttled = false;
      this.#thaw(tab);
    }
    await this.browser.pass(CALM_MS);
  }

  async end(): Promise<void> {
    for (const tab of this.tabs) this.#close(tab);
    await this.browser.pass(1000);
  }

  #open(): void {
    const machine = this.browser.open();
    const server = this.#pick(this.servers) as LogServer;
    const { clock, locks, channel, page } = machine;
    const link = createSharedLink({
      key: server.principal,
      createLink: () => new LogLink(server, machine),
      random: this.browser.random,
      clock,
      locks,
      channel,
      page,
    });
    this.tabs.add({ machine, server, link, readers: [] });
  }

  #read(tab: Tab): void {
    if (tab.machine.frozen) return;
    const reader = new LogReader(tab.server, tab.link, this.#pick(TOPICS) ?? '');
    tab.readers.push(reader);
    this.readers.add(reader);
  }

  #stop(tab: Tab | undefined): void {
    if (tab?.machine.frozen === false) tab.readers.splice(0, 1)[0]?.stop();
  }

  #close(tab: Tab): void {
    if (tab.machine.frozen) return;
    this.tabs.delete(tab);
    tab.link.close();
  }

  #crash(tab: Tab): void {
    this.tabs.delete(tab);
    tab.machine.crash();
    for (const link of tab.server.links) if (link.tab === tab.machine) tab.server.links.delete(link);
  }

  /** Into the back/forward cache. */
  #store(tab: Tab | undefined): void {
    if (tab?.machine.frozen !== false) return;
    tab.machine.store();
    if ([...tab.server.links].some((link) => link.tab === tab.machine))
      throw new Error('A page that is stored keeps a connection');
  }

  #thaw(tab: Tab | undefined): void {
    if (tab?.machine.frozen === true) tab.machine.thaw();
  }

  #throttle(tab: Tab | undefined): void {
    if (tab !== undefined) tab.machine.throttled = !tab.machine.throttled;
  }

  #break(): void {
    const link = this.#pick([...(this.#pick(this.servers)?.links ?? [])]);
    if (link?.tab.frozen === false) link.break();
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[this.#below(values.length)];
  }

  #below(limit: number): number {
    return Math.floor(this.browser.random() * limit);
  }
}

/** A tab that wants more than two connections can carry. */
function isRefused({ error }: LogReader, { room }: LogServer): boolean {
  return room < 100 && error?.code === 'TOO_MANY_SUBSCRIPTIONS';
}

function expectCalm(world: World, about: string): void {
  for (const { link, readers, server } of world.tabs) {
    expect(link.status.state, about).toMatch(/^(live|idle)$/);
    for (const reader of readers) {
      if (isRefused(reader, server)) continue;
      expect(reader.live, about).toBe(true);
      expect(reader.seen, about).toEqual(server.after(reader.topic, reader.start ?? ''));
    }
  }
  for (const server of world.servers) {
    const tabs = [...world.tabs].filter((tab) => tab.server === server);
    // Each tab may have one more, where a connection has not room for everything.
    const most = server.room === 100 ? 1 : 1 + tabs.length;
    expect(server.links.size, about).toBeLessThanOrEqual(tabs.length === 0 ? 0 : most);
    const wanted = tabs.flatMap(({ readers }) =>
      readers.filter((reader) => !isRefused(reader, server)),
    ).length;
    const had = [...server.links].reduce((sum, { subscriptions }) => sum + subscriptions.size, 0);
    expect(had, about).toBe(wanted);
  }
}

async function live(seed: number): Promise<void> {
  const world = new World(seed);
  for (let step = 0; step < STEPS; step += 1) {
    await world.step();
    for (const { faults } of world.readers)
      expect(faults, `seed ${seed}: ${world.story.join(' ')}`).toEqual([]);
  }
  await world.calm();
  const about = `seed ${seed}, calm: ${world.story.join(' ')}`;
  for (const { faults } of world.readers) expect(faults, about).toEqual([]);
  expectCalm(world, about);
  await world.end();
  expect(world.browser.pending, about).toBe(0);
  expect(world.browser.channels.size, about).toBe(0);
  expect(world.browser.locks.size, about).toBe(0);
  for (const server of world.servers) expect(server.links.size, about).toBe(0);
}

test('whatever happens to tabs, each is told what it asked for: everything, in order, once, and nothing of other people', async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) await live(seed);
}, 120_000);
