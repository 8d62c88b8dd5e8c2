import type { CloudEvent } from '@tidewire/contract';
import { createRuntime } from './browser-runtime.ts';
import { ClientError } from './client-error.ts';
import type {
  Client,
  ClientOptions,
  Presence,
  RecordChange,
  Subscription,
  SubscriptionListener,
  TableOptions,
  TopicOptions,
} from './client-types.ts';
import { identify } from './http/identity.ts';
import { RecordsHttp } from './http/records-http.ts';
import { ConnectionLink } from './link/connection-link.ts';
import type { Upgrade } from './link/upgrade.ts';
import { LateLink } from './link/late-link.ts';
import type { Link, LinkStatus, SubscriptionWish } from './link/link.ts';
import { PagePresence } from './presence/page-presence.ts';
import type { Runtime } from './runtime.ts';
import { canShare } from './sharing/can-share.ts';
import type { SharedLinkOrder } from './sharing/open-shared-link.ts';
import { LiveSource } from './sources/live-source.ts';
import { readSourceOptions } from './sources/source-wish.ts';
import type { AnyTables, DataSource, DataSourceOptions, TableTypes } from './sources/source.ts';
import { StreamSubscription } from './topics/stream-subscription.ts';
import { createTransports } from './transports/transports.ts';

/**
 * A client of one installation, for one person. Nothing is connected before something is asked for, and everything that is
 * asked for goes over one connection.
 *
 * @throws ClientError VALIDATION_ERROR for an address that is none.
 */
export function createClient<Tables extends TableTypes = AnyTables>(options: ClientOptions): Client<Tables> {
  return new TidewireClient(options) as unknown as Client<Tables>;
}

class TidewireClient implements Client<AnyTables> {
  readonly url: string;
  readonly #runtime: Runtime;
  readonly #link: Link;
  readonly #api: RecordsHttp;
  readonly #sources = new Set<LiveSource>();
  readonly #subscriptions = new Set<StreamSubscription>();
  readonly #pages = new Map<string, PagePresence>();
  #closed = false;

  constructor(options: ClientOptions) {
    this.url = readUrl(options.url);
    this.#runtime = createRuntime(options.runtime);
    const { getToken, transports } = options;
    const { url } = this;
    const runtime = this.#runtime;
    this.#api = new RecordsHttp({ url, runtime, getToken });
    const transportsHere = createTransports(runtime, transports);
    const identified = async (token: string | null): Promise<string> => await identify(runtime, url, token);
    // Whoever else the cookie may stand for by then: what tabs share is for the one that they agreed on.
    const createLink = (identity?: string): Link =>
      new ConnectionLink({
        url,
        runtime,
        getToken,
        identify: identified,
        identity,
        transports: transportsHere,
        loadUpgrade,
      });
    const order = { url, runtime, getToken, identify: identified, createLink };
    this.#link =
      options.shareTabs !== false && canShare()
        ? new LateLink(async (signal) => await share(order, signal))
        : createLink();
  }

  getStatus(): LinkStatus {
    return this.#link.status;
  }

  onStatus(listener: () => void): () => void {
    return this.#link.watch(listener);
  }

  dataSource(options: DataSourceOptions): DataSource {
    this.#requireOpen();
    const wish = readSourceOptions(options);
    const source = new LiveSource({
      wish,
      link: this.#link,
      api: this.#api,
      runtime: this.#runtime,
      onClose: () => this.#sources.delete(source),
    });
    this.#sources.add(source);
    return source;
  }

  subscribe(options: TopicOptions, listener: SubscriptionListener<CloudEvent>): Subscription;
  subscribe(options: TableOptions, listener: SubscriptionListener<RecordChange>): Subscription;
  subscribe(
    { lastEventId, ...wish }: TopicOptions | TableOptions,
    listener: SubscriptionListener<CloudEvent> | SubscriptionListener<RecordChange>,
  ): Subscription {
    this.#requireOpen();
    const subscription = new StreamSubscription(
      this.#link,
      wish as SubscriptionWish,
      lastEventId,
      listener,
      () => this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    return subscription;
  }

  presence(pagePath: string): Presence {
    this.#requireOpen();
    let page = this.#pages.get(pagePath);
    if (page === undefined) {
      page = new PagePresence(this.#link, this.#runtime.clock, pagePath);
      this.#pages.set(pagePath, page);
    }
    return page;
  }

  reconnect(): void {
    this.#link.reconnect();
    for (const source of this.#sources) source.recover();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of this.#sources) source.close();
    for (const subscription of this.#subscriptions) subscription.close();
    for (const page of this.#pages.values()) page.close();
    this.#link.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClientError('CLOSED', 'The client was closed');
  }
}

/** Where the code for it does not come, this tab has a connection of its own. */
async function share(order: SharedLinkOrder, signal: AbortSignal): Promise<Link> {
  try {
    const { openSharedLink } = await import('./sharing/open-shared-link.ts');
    return await openSharedLink(order, signal);
  } catch {
    return order.createLink(undefined);
  }
}

async function loadUpgrade(): Promise<typeof Upgrade> {
  return (await import('./link/upgrade.ts')).Upgrade;
}

function readUrl(text: string): string {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Said below, with what is wrong besides.
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    const message = `'url' must be the address of an installation, as https://tidewire.example, not '${text.slice(0, 100)}'`;
    throw new ClientError('VALIDATION_ERROR', message, { errors: [{ field: 'url', message }] });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
