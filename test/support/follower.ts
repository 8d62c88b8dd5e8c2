import { EventSource } from 'eventsource';

/** An event as a client got it. */
export interface ReceivedEvent {
  readonly name: string;
  readonly id: string;
  readonly text: string;
  readonly data: ReceivedData;
}

export interface ReceivedData {
  readonly uuid: string;
  readonly version?: number;
  readonly transition?: string;
  readonly object?: Readonly<Record<string, unknown>>;
  readonly changed?: Readonly<Record<string, unknown>>;
}

export interface FollowerOptions {
  /** Base URLs to connect to, one after another at each reconnect: gateways, or the one origin. */
  readonly bases: () => readonly string[];
  /** Base URL of the REST API. */
  readonly api: string;
  /** `{register}/{schema}`: what is listed, and the topic that is followed. */
  readonly collection: string;
  readonly token: string;
  /** Further query of the stream, such as a filter. */
  readonly query?: string;
}

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly _version: number };

/**
 * What PROTOCOL.md asks of a client, in a few lines: list, subscribe from the list's position, apply by version, fetch
 * again on `resync`, reconnect by itself. Remembers everything that it ever received.
 */
export class Follower implements AsyncDisposable {
  readonly rows = new Map<string, Row>();
  readonly events: ReceivedEvent[] = [];
  readonly resyncs: string[] = [];
  readonly ends: string[] = [];
  readonly faults: string[] = [];
  readonly #options: FollowerOptions;
  #source: EventSource | undefined;
  #attempt = 0;
  #lastId = '';
  #listing: Promise<void> | undefined;

  private constructor(options: FollowerOptions) {
    this.#options = options;
  }

  static async start(options: FollowerOptions): Promise<Follower> {
    const follower = new Follower(options);
    await follower.#list();
    return follower;
  }

  /** The id of the newest event or position that arrived. */
  get cursor(): string {
    return this.#lastId;
  }

  get isOpen(): boolean {
    return this.#source?.readyState === 1 && this.#listing === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#source?.close();
    await this.#listing;
  }

  async #list(): Promise<void> {
    this.#source?.close();
    const rows: Row[] = [];
    let position = '';
    for (let page = 1; ; page += 1) {
      const answer = await this.#fetchPage(page);
      if (page === 1) position = answer._position;
      rows.push(...answer.results);
      if (page >= answer.pages) break;
    }
    this.rows.clear();
    for (const row of rows) this.rows.set(row.id, row);
    this.#lastId = position;
    this.#subscribe(position);
  }

  async #fetchPage(page: number): Promise<{ results: Row[]; pages: number; _position: string }> {
    const { api, collection, token } = this.#options;
    const url = `${api}/api/objects/${collection}?_limit=1000&_page=${page}&_order[_created]=asc`;
    for (let attempt = 0; ; attempt += 1) {
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).catch(
        () => undefined,
      );
      if (response?.ok === true)
        return (await response.json()) as { results: Row[]; pages: number; _position: string };
      await response?.body?.cancel();
      if (attempt > 300)
        throw new Error(`listing ${collection} failed: ${response?.status ?? 'no connection'}`);
      await new Promise((wake) => {
        setTimeout(wake, 100);
      });
    }
  }

  #subscribe(position: string): void {
    const { collection, token, query } = this.#options;
    const [register, schema] = collection.split('/');
    const path =
      `/api/realtime/subscribe?topic=register/${register}/schema/${schema}` +
      `&token=${token}&lastEventId=${position}${query === undefined ? '' : `&${query}`}`;
    const source = new EventSource(new URL(path, 'http://any.invalid'), {
      fetch: async (input, init) => {
        const bases = this.#options.bases();
        const base = bases[this.#attempt % bases.length] ?? '';
        this.#attempt += 1;
        return fetch(`${base}${new URL(input).pathname}${new URL(input).search}`, init);
      },
    });
    this.#source = source;
    for (const name of ['object.created', 'object.updated', 'object.deleted']) {
      source.addEventListener(name, (message) =>
        this.#receive(name, message.lastEventId, String(message.data)),
      );
    }
    source.addEventListener('resync', (message) => {
      this.resyncs.push(String(message.data));
      source.close();
      this.#listing = this.#list().finally(() => {
        this.#listing = undefined;
      });
    });
    source.addEventListener('end', (message) => {
      this.ends.push(String(message.data));
      const end = JSON.parse(String(message.data)) as { readonly reconnect: boolean };
      if (!end.reconnect) source.close();
    });
  }

  #receive(name: string, id: string, text: string): void {
    const { data, id: ownId } = JSON.parse(text) as { readonly data: ReceivedData; readonly id: string };
    if (ownId !== id) this.faults.push(`the frame's id is ${id}, the event's ${ownId}`);
    if (id <= this.#lastId) this.faults.push(`${name} ${id} came after ${this.#lastId}`);
    this.#lastId = id;
    this.events.push({ name, id, text, data });
    if (data.object === undefined) {
      this.rows.delete(data.uuid);
      return;
    }
    const row = data.object as Row;
    const known = this.rows.get(row.id);
    if (known === undefined || known._version < row._version) this.rows.set(row.id, row);
  }
}
