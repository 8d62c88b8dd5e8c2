import { join } from 'node:path';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import type { Browser } from 'playwright-core';
import { bundleForBrowser } from '../support/browser-bundle.ts';
import { BrowserProfile } from '../support/browser-tab.ts';
import { launchChromium } from '../support/chromium.ts';
import { FaultyProxy } from '../support/faulty-proxy.ts';
import type { ProxyFile } from '../support/faulty-proxy.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { pageFiles } from './client-driver.ts';
import { ClientTab } from './client-tab.ts';
import type { ShownRow } from './client-tab.ts';
import { NumberedRows } from './client-rows.ts';

const CLIENT = join(import.meta.dirname, '..', '..', 'libs', 'client', 'src', 'index.ts');
/** Credentials of these tests live for seconds: the warning comes that long before their end. Milliseconds. */
const WARNING_MS = 6000;

type Name = 'alice' | 'bob' | 'carol';

/** A platform, a browser and the client as a script: once per file. */
export class ClientWorld implements AsyncDisposable {
  readonly platform: Platform;
  readonly browser: Browser;
  readonly #files: ReadonlyMap<string, ProxyFile>;

  private constructor(platform: Platform, browser: Browser, files: ReadonlyMap<string, ProxyFile>) {
    this.platform = platform;
    this.browser = browser;
    this.#files = files;
  }

  static async start(): Promise<ClientWorld> {
    const script = await bundleForBrowser(CLIENT, 'Tidewire');
    const browser = await launchChromium('everyday');
    try {
      const platform = await startPlatform({
        settings: {
          // Pages come through a proxy with a port of its own, each.
          TIDEWIRE_ALLOWED_ORIGINS: 'http://127.0.0.1:*',
          TIDEWIRE_CREDENTIAL_WARNING_MS: String(WARNING_MS),
        },
      });
      return new ClientWorld(platform, browser, pageFiles(script));
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** People, rows and a network of a test's own. */
  async enter(): Promise<ClientScene> {
    const town = await buildTown(this.platform.origin, this.platform.adminToken, 'unique');
    const proxy = await FaultyProxy.start(this.platform.origin, this.#files);
    return new ClientScene(this, town, proxy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.platform[Symbol.asyncDispose]();
  }
}

/** What one test has. Its end is the end of all tabs, and it fails where a page had an error that nobody took. */
export class ClientScene implements AsyncDisposable {
  readonly town: Town;
  readonly proxy: FaultyProxy;
  readonly rows: NumberedRows;
  readonly #world: ClientWorld;
  readonly #profiles: BrowserProfile[] = [];

  constructor(world: ClientWorld, town: Town, proxy: FaultyProxy) {
    this.#world = world;
    this.town = town;
    this.proxy = proxy;
    this.rows = new NumberedRows(town.as('alice'), town.collection);
  }

  /** Slug of the table. */
  get table(): string {
    return this.town.collection.split('/')[1] ?? '';
  }

  async profile(): Promise<BrowserProfile> {
    const profile = await BrowserProfile.create(this.#world.browser);
    this.#profiles.push(profile);
    return profile;
  }

  /** A tab of somebody that follows the table, in a browser of its own unless it is given one. */
  async open(
    name: Name,
    options: Partial<Parameters<typeof ClientTab.open>[2]> & { readonly profile?: BrowserProfile } = {},
  ): Promise<ClientTab> {
    const { profile = await this.profile(), ...rest } = options;
    return await ClientTab.open(await profile.open(), this.proxy.origin, {
      token: this.town.tokens[name],
      table: this.table,
      ...rest,
    });
  }

  /** Everything that somebody may read, by REST and past the proxy, as the client shows it. */
  async listed(name: Name = 'alice'): Promise<readonly Pick<ShownRow, 'id' | 'fields'>[]> {
    const { records } = await this.town.as(name).send<{
      records: ShownRow[];
    }>('GET', `/api/tables/${this.table}/records?limit=1000&sort=createdAt:asc`);
    return records.map(({ id, fields }) => ({ id, fields }));
  }

  /** Waits until a tab shows what REST lists, which is not to change meanwhile. */
  async untilEqual(tab: ClientTab, name: Name = 'alice'): Promise<void> {
    const listed = JSON.stringify(await this.listed(name));
    let shown = '';
    try {
      await waitFor(async () => (shown = await textOf(tab)) === listed, {
        what: 'rows are those of REST',
        timeoutMs: 30_000,
      });
    } catch (cause) {
      const count = (text: string): number => (JSON.parse(text || '[]') as unknown[]).length;
      throw new Error(`${count(shown)} rows are shown, ${count(listed)} are listed`, { cause });
    }
  }

  /** How many connections somebody has, of all browsers. */
  async connections(name: Name): Promise<number> {
    const { principal } = await this.town.as(name).send<{ principal: { id: string } }>('GET', '/api/auth/me');
    const address = `/api/connections?principal=${principal.id}`;
    return (await this.town.admin.send<{ connections: unknown[] }>('GET', address)).connections.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rows.rest();
    await Promise.all(this.#profiles.map((profile) => profile[Symbol.asyncDispose]()));
    await this.proxy[Symbol.asyncDispose]();
  }
}

async function textOf(tab: ClientTab): Promise<string> {
  const { rows } = await tab.describe();
  return JSON.stringify(rows.map(({ id, fields }) => ({ id, fields })));
}
