import { waitFor } from '@tidewire/test-kit';
import type { BrowserTab } from '../support/browser-tab.ts';
import { PAGE_PATHS } from './client-driver.ts';

/** A row as the client shows it. */
export interface ShownRow {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly updatedAt: string;
  readonly pending: string | null;
}

interface Described {
  readonly rows: readonly ShownRow[];
  readonly state: string;
  readonly total: number;
  readonly transport: string | null;
  readonly link: string;
  readonly error: { readonly code: string; readonly status?: number } | null;
}

/** What a page was told when: `at` is milliseconds of the page. */
export interface Told {
  readonly state?: string;
  readonly transport: string | null;
  readonly link: string;
  readonly at: number;
}

interface OpenOptions {
  /** Of whom. Undefined: the profile's session says who asks. */
  readonly token?: string | undefined;
  readonly table: string;
  readonly transports?: readonly string[];
  readonly shareTabs?: boolean;
  /** Of the source. */
  readonly refreshMode?: string;
  readonly pollIntervalMs?: number;
  readonly filter?: string;
  readonly limit?: number;
}

/** Longer than the longest wait of the client, thirty seconds, and what it takes to connect. */
const PATIENCE_MS = 60_000;

/** A tab whose page follows a table through the client. */
export class ClientTab {
  readonly tab: BrowserTab;

  private constructor(tab: BrowserTab) {
    this.tab = tab;
  }

  /** Goes to the page of `origin` and begins to follow the table, and to count its events. */
  static async open(tab: BrowserTab, origin: string, options: OpenOptions): Promise<ClientTab> {
    const { token, transports, shareTabs, ...source } = options;
    const own = new ClientTab(tab);
    await own.load(`${origin}${PAGE_PATHS.client}`);
    const client = { session: token === undefined, transports, shareTabs };
    await own.run(`
      driver.token = ${JSON.stringify(token ?? null)};
      driver.open(${JSON.stringify(client)});
      driver.follow(${JSON.stringify({ sort: 'createdAt', limit: 1000, ...source })});
      driver.subscribe(${JSON.stringify({ table: options.table })});`);
    return own;
  }

  /** Goes somewhere and waits until it is there. */
  async load(address: string): Promise<void> {
    await this.tab.go(address);
    const there = `location.href === ${JSON.stringify(address)} && document.readyState === 'complete'`;
    await waitFor(() => this.ask<boolean>(there), { what: `${address} is loaded`, timeoutMs: 20_000 });
  }

  async run(statements: string): Promise<void> {
    await this.tab.evaluate(`(async () => { ${statements} })()`);
  }

  async ask<T>(expression: string): Promise<T> {
    return await this.tab.evaluate<T>(expression);
  }

  async describe(): Promise<Described> {
    return await this.ask('driver.describe()');
  }

  async told(): Promise<readonly Told[]> {
    return await this.ask('driver.told');
  }

  /** What the source became after a moment, in order. */
  async statesSince(at: number): Promise<readonly (string | undefined)[]> {
    const told = await this.told();
    return told
      .filter(({ state, at: when }, place) => when > at && state !== told[place - 1]?.state)
      .map(({ state }) => state);
  }

  /** The page's clock. */
  async now(): Promise<number> {
    return await this.ask('Math.round(performance.now())');
  }

  async until(state: string, transport?: string, timeoutMs = PATIENCE_MS): Promise<void> {
    const what =
      transport === undefined ? `the source is ${state}` : `the source is ${state} over ${transport}`;
    try {
      await waitFor(
        async () => {
          const now = await this.#position();
          return now.state === state && (transport === undefined || now.transport === transport);
        },
        { what, timeoutMs },
      );
    } catch (cause) {
      throw new Error(`${String(cause)}; it was told ${JSON.stringify(await this.told())}`, { cause });
    }
  }

  async #position(): Promise<{ readonly state: string; readonly transport: string | null }> {
    return await this.ask(
      '({ state: driver.source.getSnapshot().state, transport: driver.client.getStatus().transport })',
    );
  }

  /** Goes to another page, to {@link comeBack}. */
  async leave(origin: string): Promise<void> {
    await this.load(`${origin}${PAGE_PATHS.elsewhere}`);
  }

  async comeBack(): Promise<void> {
    await this.tab.back();
    const there = `location.pathname === ${JSON.stringify(PAGE_PATHS.client)} && document.readyState === 'complete'`;
    await waitFor(() => this.ask<boolean>(there), { what: 'the page is back', timeoutMs: 20_000 });
  }

  /** Puts it away as its cross does. */
  async close(): Promise<void> {
    await this.tab[Symbol.asyncDispose]();
  }
}
