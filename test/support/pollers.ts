import type { Api } from './api.ts';

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly _version: number };

interface Changes {
  readonly results: readonly (Row & { readonly _deleted?: true })[];
  readonly _next: string;
  readonly _more: boolean;
  readonly _resync?: unknown;
}

interface Answer {
  readonly events: readonly {
    readonly id: string;
    readonly data: { readonly uuid: string; readonly object?: Row };
  }[];
  readonly lastEventId: string;
  readonly more: boolean;
  readonly resync?: unknown;
}

interface List {
  readonly results: readonly Row[];
  readonly pages: number;
  readonly _position: string;
}

/** All rows that the caller may read, by id, and the place in the log that their first page includes. */
export async function listRows(
  api: Api,
  collection: string,
): Promise<{ rows: Map<string, Row>; position: string }> {
  const rows = new Map<string, Row>();
  let position = '';
  for (let page = 1; ; page += 1) {
    const path = `/api/objects/${collection}?_limit=1000&_page=${page}&_order[_created]=asc`;
    const list = await api.send<List>('GET', path);
    if (page === 1) position = list._position;
    for (const row of list.results) rows.set(row.id, row);
    if (page >= list.pages) return { rows, position };
  }
}

/** Asks again and again what changed since the last answer, as PROTOCOL.md has it for `_updatedSince`. */
export class ChangePoller {
  readonly rows = new Map<string, Row>();
  readonly #api: Api;
  readonly #collection: string;
  #next = '1970-01-01T00:00:00.000Z';

  constructor(api: Api, collection: string) {
    this.#api = api;
    this.#collection = collection;
  }

  /** Takes in everything that changed up to now. Resolves with how many rows it was told of. */
  async poll(limit: number): Promise<number> {
    let told = 0;
    for (;;) {
      const path =
        `/api/objects/${this.#collection}?_updatedSince=${encodeURIComponent(this.#next)}` +
        `&_includeDeleted=true&_limit=${limit}`;
      const answer = await this.#api.send<Changes>('GET', path);
      if (answer._resync !== undefined) this.rows.clear();
      for (const row of answer.results) this.#apply(row);
      told += answer.results.length;
      this.#next = answer._next;
      if (!answer._more) return told;
    }
  }

  #apply(row: Changes['results'][number]): void {
    const known = this.rows.get(row.id)?._version ?? 0;
    if (row._version < known) return;
    if (row._deleted === true) this.rows.delete(row.id);
    else this.rows.set(row.id, row);
  }
}

/** Follows a schema with long polls, asking one gateway after another with the cursor of the last answer. */
export class LongPoller {
  rows = new Map<string, Row>();
  readonly faults: string[] = [];
  readonly #gateways: readonly Api[];
  readonly #api: Api;
  readonly #collection: string;
  #cursor = '';
  #turn = 0;

  private constructor(gateways: readonly Api[], api: Api, collection: string) {
    this.#gateways = gateways;
    this.#api = api;
    this.#collection = collection;
  }

  static async start(gateways: readonly Api[], api: Api, collection: string): Promise<LongPoller> {
    const poller = new LongPoller(gateways, api, collection);
    await poller.#list();
    return poller;
  }

  get cursor(): string {
    return this.#cursor;
  }

  /** One poll, which waits for so long when there is nothing. */
  async poll(timeoutMs: number): Promise<void> {
    const [register, schema] = this.#collection.split('/');
    const gateway = this.#gateways[this.#turn % this.#gateways.length] ?? this.#api;
    this.#turn += 1;
    const answer = await gateway.send<Answer>(
      'GET',
      `/api/realtime/poll?topic=register/${register}/schema/${schema}&lastEventId=${this.#cursor}&timeoutMs=${timeoutMs}&limit=50`,
    );
    if (answer.resync !== undefined) {
      await this.#list();
      return;
    }
    for (const { id, data } of answer.events) {
      if (id <= this.#cursor) this.faults.push(`${id} came after ${this.#cursor}`);
      this.#cursor = id;
      const known = this.rows.get(data.uuid)?._version ?? 0;
      if (data.object === undefined) this.rows.delete(data.uuid);
      else if (data.object._version > known) this.rows.set(data.uuid, data.object);
    }
    if (answer.lastEventId < this.#cursor) this.faults.push(`the cursor went back to ${answer.lastEventId}`);
    this.#cursor = answer.lastEventId;
  }

  async #list(): Promise<void> {
    const { rows, position } = await listRows(this.#api, this.#collection);
    this.rows = rows;
    this.#cursor = position;
  }
}
