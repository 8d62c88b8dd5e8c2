import type { PresenceEntry, PresentUser } from '@tidewire/contract';

/** What a change among the connections of a page is to those who look at people. */
export type UserChange =
  | { readonly change: 'joined'; readonly user: PresentUser }
  | { readonly change: 'left'; readonly userId: string };

/** What was found in the store. */
export interface Census {
  /** What `mark` gave before the store was asked. */
  readonly since: number;
  readonly listed: ReadonlySet<string>;
  /** Entries that were listed and not known. */
  readonly found: readonly PresenceEntry[];
  /** Gateways that live. */
  readonly alive: ReadonlySet<string>;
  /** Connections that are here whatever the store says. */
  readonly own: ReadonlySet<string>;
}

interface Known {
  readonly entry: PresenceEntry;
  /** The mark at which it became known. */
  readonly mark: number;
}

/** More connections than this are not taken note of: the cap is far below, and keeps to it within moments. */
const MAX_KNOWN = 200;
const MAX_GONE = 1000;

/**
 * The connections of one page as this gateway knows them, from signals and from what it reads in the store, which come
 * in any order. A connection that has left never comes back under its id, so a late word of it is ignored.
 */
export class PageMembers {
  readonly #known = new Map<string, Known>();
  /** Connections that left of late. */
  #gone = new Set<string>();
  #goneBefore = new Set<string>();
  #mark = 0;

  get size(): number {
    return this.#known.size;
  }

  connections(): readonly string[] {
    return [...this.#known.keys()];
  }

  gateways(): ReadonlySet<string> {
    return new Set([...this.#known.values()].map(({ entry }) => entry.gateway));
  }

  /** Begins to ask the store: what becomes known after this is newer than the answer. */
  mark(): number {
    this.#mark += 1;
    return this.#mark;
  }

  add(entry: PresenceEntry): readonly UserChange[] {
    const { connection } = entry;
    if (this.#known.has(connection) || this.#isGone(connection) || this.#known.size >= MAX_KNOWN) return [];
    return this.#compare(entry.id, () => this.#known.set(connection, { entry, mark: this.#mark }));
  }

  remove(connection: string): readonly UserChange[] {
    if (this.#gone.size >= MAX_GONE) this.forget();
    this.#gone.add(connection);
    return this.#drop(connection);
  }

  /** Those of the connections that are news. */
  unknown(connections: Iterable<string>): readonly string[] {
    return [...connections].filter((each) => !this.#known.has(each) && !this.#isGone(each));
  }

  /** Takes in what the store says. Without `removes` nobody is taken away: the store may have lost what it held. */
  settle({ since, listed, found, alive, own }: Census, removes: boolean): readonly UserChange[] {
    const changes = found.filter(({ gateway }) => alive.has(gateway)).flatMap((entry) => this.add(entry));
    if (!removes) return changes;
    const lost = [...this.#known].filter(
      ([connection, { entry, mark }]) =>
        mark < since && !own.has(connection) && (!listed.has(connection) || !alive.has(entry.gateway)),
    );
    return [...changes, ...lost.flatMap(([connection]) => this.#drop(connection))];
  }

  /** Takes away who was on a gateway that does not live; `since` as in {@link Census}. */
  dropDead(alive: ReadonlySet<string>, since: number): readonly UserChange[] {
    return [...this.#known]
      .filter(([, { entry, mark }]) => mark < since && !alive.has(entry.gateway))
      .flatMap(([connection]) => this.#drop(connection));
  }

  /** Stops remembering who left before the last time that this was called. */
  forget(): void {
    this.#goneBefore = this.#gone;
    this.#gone = new Set();
  }

  /** Everybody once, as of the first connection that is still there; who came first stands first. */
  users(): PresentUser[] {
    const ids = new Set([...this.#known.values()].map(({ entry }) => entry.id));
    return [...ids]
      .flatMap((id) => this.#user(id) ?? [])
      .toSorted((a, b) => compareText(a.joinedAt, b.joinedAt) || compareText(a.id, b.id));
  }

  #isGone(connection: string): boolean {
    return this.#gone.has(connection) || this.#goneBefore.has(connection);
  }

  #drop(connection: string): readonly UserChange[] {
    const known = this.#known.get(connection);
    return known === undefined ? [] : this.#compare(known.entry.id, () => this.#known.delete(connection));
  }

  #compare(userId: string, change: () => void): readonly UserChange[] {
    const before = this.#user(userId);
    change();
    const user = this.#user(userId);
    if (before === undefined && user !== undefined) return [{ change: 'joined', user }];
    return before !== undefined && user === undefined ? [{ change: 'left', userId }] : [];
  }

  #user(id: string): PresentUser | undefined {
    let first: PresenceEntry | undefined;
    for (const { entry } of this.#known.values()) {
      if (entry.id === id && (first === undefined || entry.joinedAt < first.joinedAt)) first = entry;
    }
    if (first === undefined) return undefined;
    const { connection: _connection, gateway: _gateway, ...user } = first;
    return user;
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
