import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from '../support/api.ts';

/** Few enough for a slow machine, and not more in a test than a list may have. */
const PER_SECOND = 6;

/** Rows that somebody else writes, numbered, so that whatever is missing has a name. Each third write changes a row. */
export class NumberedRows {
  readonly #api: Api;
  readonly #path: string;
  readonly #ids: string[] = [];
  #writing: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  constructor(api: Api, collection: string) {
    this.#api = api;
    this.#path = `/api/objects/${collection}`;
  }

  /** Titles of what was created, in order. */
  get titles(): readonly string[] {
    return this.#ids.map((_id, place) => `row ${place + 1}`);
  }

  /** Ids of what was created, in order. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** Writes so many rows, one after the other. */
  async write(count: number): Promise<void> {
    for (let row = 0; row < count; row += 1) await this.#create();
  }

  /** Writes on and on until {@link rest}. */
  begin(): void {
    const stop = new AbortController();
    this.#writing = { stop, done: this.#run(stop.signal) };
  }

  /** Stops writing; what was written is written. */
  async rest(): Promise<void> {
    this.#writing?.stop.abort();
    await this.#writing?.done;
    this.#writing = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let turn = 1; !signal.aborted; turn += 1) {
      const row = this.#ids.at(-2);
      if (turn % 3 > 0 || row === undefined) await this.#create();
      else await this.#api.send('PATCH', `${this.#path}/${row}`, { prioriteit: 1 + (turn % 5) });
      await delay(1000 / PER_SECOND, undefined, { signal }).catch(() => undefined);
    }
  }

  async #create(): Promise<void> {
    const number = this.#ids.length + 1;
    const { id } = await this.#api.send<{ id: string }>('POST', this.#path, {
      titel: `row ${number}`,
      status: 'nieuw',
    });
    this.#ids.push(id);
  }
}
