/** Who wants to be told of something. The same function added twice is told twice. */
export class Listeners<Told extends readonly unknown[] = []> {
  readonly #listeners = new Set<(...told: Told) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** The answer takes it out again, and says whether it was there. */
  add(listener: (...told: Told) => void): () => boolean {
    const own = (...told: Told): void => listener(...told);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(...told: Told): void {
    for (const listener of this.#listeners) listener(...told);
  }

  clear(): void {
    this.#listeners.clear();
  }
}
