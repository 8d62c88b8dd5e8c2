/** Work that may be done at the same time as other work, but for that of the same lane, which is done in its order. */
export class Lanes {
  readonly #most: number;
  readonly #running = new Map<string, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** `most`: lanes that work at the same time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Begins once the lane is free and does not wait for the end.
   *
   * @throws what any work that was begun before has failed with.
   */
  async begin(lane: string, work: () => Promise<void>): Promise<void> {
    await this.#running.get(lane);
    while (this.#running.size >= this.#most) await Promise.race(this.#running.values());
    this.#throwFailure();
    const done = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(lane));
    this.#running.set(lane, done);
  }

  /** Resolves when nothing is being done. @throws what any work has failed with. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
