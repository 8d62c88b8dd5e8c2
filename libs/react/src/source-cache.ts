import type { AnyTables, Client, Clock, DataSourceOptions, Fields, LiveRow, RowEdit } from '@tidewire/client';
import { canonicalJson } from './canonical-json.ts';
import { SharedSource } from './shared-source.ts';
import type { SourceView } from './shared-source.ts';

const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The sources of one client that components use, each once. */
export class SourceCache {
  readonly client: Client<AnyTables>;
  readonly #clock: Clock;
  readonly #sources = new Map<string, SharedSource>();

  constructor(client: Client<AnyTables>, clock: Clock) {
    this.client = client;
    this.#clock = clock;
  }

  /**
   * The source of options that {@link sourceKey} made a key of; made of the key, so that options which somebody changes
   * later change nothing. @throws ClientError when there can be no such source.
   */
  get(key: string): SharedSource {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const source = this.client.dataSource(JSON.parse(key) as DataSourceOptions);
    const shared = new SharedSource(source, this.#clock, () => this.#sources.delete(key));
    this.#sources.set(key, shared);
    return shared;
  }
}

const caches = new WeakMap<object, SourceCache>();

/** One per client, whatever number of providers it has. The clock is that of the first. */
export function cacheOf(client: Client<AnyTables>, clock: Clock = systemClock): SourceCache {
  let cache = caches.get(client);
  if (cache === undefined) {
    cache = new SourceCache(client, clock);
    caches.set(client, cache);
  }
  return cache;
}

/** The same for options that mean the same, however they are written down. */
export function sourceKey(options: DataSourceOptions): string {
  const { table, filter, sort, fields, limit, refreshMode, pollIntervalMs } = options;
  return canonicalJson({ table, filter, sort, fields, limit, refreshMode, pollIntervalMs });
}

/**
 * What one component has of a source. Its functions stay the same, and find the source by its key each time: one that was
 * released meanwhile (of a component that was hidden for long) is made anew.
 */
export class SourceUse {
  readonly #cache: SourceCache;
  readonly #key: string;
  /** Ends each edit that is open. */
  readonly #edits = new Set<() => void>();

  constructor(cache: SourceCache, key: string) {
    this.#cache = cache;
    this.#key = key;
  }

  get #source(): SharedSource {
    return this.#cache.get(this.#key);
  }

  readonly look = (): SourceView => this.#source.look();

  /** When the component goes, or asks for something else, its edits are over. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const stop = this.#source.subscribe(listener);
    return () => {
      for (const cancel of this.#edits) cancel();
      stop();
    };
  };

  readonly settled = (): Promise<void> => this.#source.settled();

  readonly thrown = (): void => this.#source.thrown();

  readonly actions = {
    refetch: () => this.#source.refetch(),
    insert: (values: object) => this.#source.insert(values),
    update: (id: string, values: object) => this.#source.update(id, values),
    delete: (id: string) => this.#source.delete(id),
    edit: (id: string, fields: readonly string[]) => this.#edit(id, fields),
    dismissConflict: () => this.#source.dismissConflict(),
  };

  #edit(id: string, fields: readonly string[]): RowEdit {
    const edit = this.#source.edit(id, fields);
    const cancel = (): void => {
      this.#edits.delete(cancel);
      edit.cancel();
    };
    const save = async (values: Fields): Promise<LiveRow> => {
      const row = await edit.save(values);
      this.#edits.delete(cancel);
      return row;
    };
    this.#edits.add(cancel);
    return { save, cancel };
  }
}
