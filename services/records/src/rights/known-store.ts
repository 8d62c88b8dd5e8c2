/**
 * Which life of the database the rights belong to. A server that was restarted may be a restored one, or a standby that
 * missed the last commits: what was read from the log before may then hold changes that the database never had, and a
 * position says nothing about them. So a life counts only once something of it was read: the rights themselves, or
 * what the relay told of it, which compares both stores before it tells anything.
 */
export class KnownStore {
  #known: string | undefined;
  #met: { readonly store: string; readonly at: number } | undefined;

  /** The rights were loaded from this store. */
  noteLoaded(store: string): void {
    this.#known = store;
  }

  /**
   * Whether a statement's store is the one that the rights belong to.
   *
   * @param coveredUntil instant on the monotonic clock up to which the relay's last beat covers the database;
   *   -Infinity without one.
   */
  isKnown(store: string, coveredUntil: number, now: number): boolean {
    if (store === this.#known) return true;
    if (this.#met?.store !== store) this.#met = { store, at: now };
    if (coveredUntil <= this.#met.at) return false;
    this.#known = store;
    return true;
  }
}
