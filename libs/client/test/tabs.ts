import type { Clock, PageLife } from '../src/runtime.ts';
import type { Locks } from '../src/sharing/held-lock.ts';
import type { ChannelLike } from '../src/sharing/stay.ts';
import { settle } from './manual-clock.ts';

type Change = Parameters<Parameters<PageLife['watch']>[0]>[0];

interface Task {
  readonly at: number;
  readonly order: number;
  readonly tab: BrowserTab;
  readonly run: () => void;
}

interface LockRequest {
  readonly tab: BrowserTab;
  readonly hold: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Lock {
  holder: LockRequest | undefined;
  waiting: LockRequest[];
}

/** How long a word from one tab to another, or from the browser to a tab, takes at most. Milliseconds. */
const LATENCY_MS = 20;

/** A browser in which time passes when it is told to, with tabs that can be frozen, and killed. */
export class Browser {
  /** Milliseconds since 1970. */
  now = 1_700_000_000_000;
  /** In [0, 1), the same for the same seed. */
  readonly random: () => number;
  readonly tabs = new Set<BrowserTab>();
  readonly channels = new Set<Channel>();
  readonly locks = new Map<string, Lock>();
  /** Whoever a lock is taken from is not told. */
  discreet = false;
  /** How likely a frozen tab never gets what is said to it. */
  deafness = 0;
  #tasks: Task[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  open(): BrowserTab {
    const tab = new BrowserTab(this);
    this.tabs.add(tab);
    return tab;
  }

  /** Who has a lock with that beginning. */
  holders(prefix: string): readonly BrowserTab[] {
    return [...this.locks].flatMap(([name, { holder }]) =>
      name.startsWith(prefix) && holder !== undefined ? [holder.tab] : [],
    );
  }

  /** Who waits for one. */
  get waiting(): readonly BrowserTab[] {
    return [...this.locks.values()].flatMap(({ waiting }) => waiting.map(({ tab }) => tab));
  }

  get pending(): number {
    return this.#tasks.length;
  }

  add(tab: BrowserTab, delayMs: number, run: () => void): () => void {
    let wanted = true;
    const task: Task = {
      at: this.now + Math.max(0, Math.ceil(delayMs)),
      order: this.#order++,
      tab,
      run: () => {
        if (wanted) run();
      },
    };
    this.#tasks.push(task);
    return () => {
      wanted = false;
      this.#tasks = this.#tasks.filter((other) => other !== task);
    };
  }

  /** What was for a tab that is gone. */
  forget(tab: BrowserTab): void {
    this.#tasks = this.#tasks.filter((task) => task.tab !== tab);
  }

  /** Lets time pass, and what is due in it happen. */
  async pass(byMs: number): Promise<void> {
    const until = this.now + byMs;
    await settle();
    for (let next = this.#take(until); next !== undefined; next = this.#take(until)) {
      this.now = Math.max(this.now, next.at);
      if (next.tab.frozen) next.tab.missed.push(next.run);
      else {
        next.run();
        await settle();
      }
    }
    this.now = until;
  }

  #take(until: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.at > until) continue;
      if (first === undefined || task.at < first.at || (task.at === first.at && task.order < first.order))
        first = task;
    }
    if (first !== undefined) this.#tasks = this.#tasks.filter((task) => task !== first);
    return first;
  }
}

export class BrowserTab {
  readonly browser: Browser;
  frozen = false;
  /** Timers run once a minute, as those of a tab that nobody has looked at for a while. */
  throttled = false;
  /** By how much its clock is wrong. */
  skewMs = 0;
  /** What is due since it is frozen. */
  missed: (() => void)[] = [];
  readonly #watchers = new Set<(change: Change) => void>();

  constructor(browser: Browser) {
    this.browser = browser;
  }

  readonly clock: Clock = {
    now: () => this.browser.now + this.skewMs,
    setTimeout: (run, delayMs) =>
      this.browser.add(this, this.throttled ? Math.max(60_000, delayMs) : delayMs, run),
  };

  readonly page: PageLife = {
    online: true,
    visible: true,
    watch: (listener) => {
      this.#watchers.add(listener);
      return () => this.#watchers.delete(listener);
    },
  };

  readonly locks: Locks = { request: this.#request.bind(this) as LockManager['request'] };

  readonly channel = (name: string): ChannelLike => new Channel(this, name);

  /** Nothing of it runs any more; it is not told before. */
  freeze(): void {
    this.frozen = true;
  }

  /** Frozen, after it was told and what followed from that. */
  store(): void {
    this.tell('frozen');
    this.browser.add(this, 0, () => this.freeze());
  }

  /** What was due happens now, and it is told. */
  thaw(): void {
    this.frozen = false;
    for (const run of this.missed.splice(0)) this.browser.add(this, 0, run);
    this.browser.add(this, 0, () => this.tell('woke'));
  }

  tell(change: Change): void {
    for (const watcher of this.#watchers) watcher(change);
  }

  /** Gone at once, without a word. */
  crash(): void {
    const { browser } = this;
    browser.tabs.delete(this);
    browser.forget(this);
    this.missed = [];
    for (const channel of browser.channels) if (channel.tab === this) browser.channels.delete(channel);
    for (const [name, lock] of browser.locks) {
      lock.waiting = lock.waiting.filter(({ tab }) => tab !== this);
      if (lock.holder?.tab === this) lock.holder = undefined;
      this.#grant(name);
    }
  }

  async #request(name: string, options: LockOptions, hold: () => unknown): Promise<unknown> {
    const lock = this.browser.locks.get(name) ?? { holder: undefined, waiting: [] };
    this.browser.locks.set(name, lock);
    return await new Promise((resolve, reject) => {
      const request: LockRequest = { tab: this, hold, resolve, reject };
      if (options.steal === true) {
        const before = lock.holder;
        lock.holder = undefined;
        lock.waiting.unshift(request);
        if (before !== undefined && !this.browser.discreet) soon(before.tab, () => before.reject(abortion()));
      } else lock.waiting.push(request);
      options.signal?.addEventListener('abort', () => {
        if (!lock.waiting.includes(request)) return;
        lock.waiting = lock.waiting.filter((other) => other !== request);
        reject(abortion());
        this.#grant(name);
      });
      this.#grant(name);
    });
  }

  #grant(name: string): void {
    const lock = this.browser.locks.get(name);
    if (lock === undefined || lock.holder !== undefined) return;
    const next = lock.waiting.shift();
    lock.holder = next;
    if (next === undefined) {
      this.browser.locks.delete(name);
      return;
    }
    soon(next.tab, () => void this.#hold(name, next));
  }

  async #hold(name: string, request: LockRequest): Promise<void> {
    try {
      request.resolve(await request.hold());
    } catch (error) {
      request.reject(error);
    }
    const lock = this.browser.locks.get(name);
    if (lock?.holder !== request) return;
    lock.holder = undefined;
    this.#grant(name);
  }
}

class Channel implements ChannelLike {
  readonly tab: BrowserTab;
  readonly #name: string;
  readonly #listeners: ((event: { readonly data: unknown }) => void)[] = [];
  /** When the last word of each speaker arrives: one does not overtake another of the same. */
  readonly #last = new Map<Channel, number>();

  constructor(tab: BrowserTab, name: string) {
    this.tab = tab;
    this.#name = name;
    tab.browser.channels.add(this);
  }

  addEventListener(_type: 'message', listener: (event: { readonly data: unknown }) => void): void {
    this.#listeners.push(listener);
  }

  postMessage(message: unknown): void {
    const { channels } = this.tab.browser;
    if (!channels.has(this)) throw new Error('The channel is closed');
    const data: unknown = structuredClone(message);
    for (const other of channels)
      if (other !== this && other.#name === this.#name) other.#receive(this, data);
  }

  close(): void {
    this.tab.browser.channels.delete(this);
  }

  #receive(from: Channel, data: unknown): void {
    const { browser, frozen } = this.tab;
    if (frozen && browser.random() < browser.deafness) return;
    const at = Math.max(this.#last.get(from) ?? 0, browser.now + Math.floor(browser.random() * LATENCY_MS));
    this.#last.set(from, at);
    browser.add(this.tab, at - browser.now, () => {
      if (browser.channels.has(this)) for (const listener of this.#listeners) listener({ data });
    });
  }
}

/** What the browser tells one tab about locks comes in the order in which it happened. */
function soon(tab: BrowserTab, run: () => void): void {
  tab.browser.add(tab, 1, run);
}

function abortion(): Error {
  return new DOMException('The request was aborted', 'AbortError');
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
