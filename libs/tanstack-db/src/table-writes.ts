import type { DataSource } from '@tidewire/client';

/** A change that a collection shows already and that is still to be written. */
interface Mutation {
  readonly type: 'insert' | 'update' | 'delete';
  readonly original: object;
  readonly modified: object;
  readonly changes: object;
}

/** Writes what a collection shows already. A write has ended when the source shows what came of it. */
export class TableWrites {
  readonly #source: () => DataSource;
  /** The server's ids of rows that are being inserted, by those that the app gave them. */
  readonly #inserting = new Map<string, Promise<string>>();

  constructor(source: () => DataSource) {
    this.#source = source;
  }

  /** All of them; one that is refused does not keep the others from being written. @throws what the first was refused with */
  async write(mutations: readonly Mutation[]): Promise<void> {
    const outcomes = await Promise.allSettled(mutations.map((mutation) => this.#write(mutation)));
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
  }

  async #write({ type, original, modified, changes }: Mutation): Promise<void> {
    switch (type) {
      case 'insert':
        return await this.#insert(modified);
      case 'update':
        return void (await this.#source().update(await this.#settle(original), valuesOf(changes)));
      case 'delete':
        return await this.#source().delete(await this.#settle(original));
    }
  }

  async #insert(row: object): Promise<void> {
    const given = idOf(row);
    const id = this.#source()
      .insert(valuesOf(row))
      .then((written) => written.id);
    this.#inserting.set(given, id);
    try {
      await id;
    } finally {
      this.#inserting.delete(given);
    }
  }

  /** The server's id of a row, for which one that is being inserted has to wait. */
  async #settle(row: object): Promise<string> {
    const id = idOf(row);
    return (await this.#inserting.get(id)) ?? id;
  }
}

function idOf(row: object): string {
  const { id } = row as { id?: unknown };
  if (typeof id === 'string') return id;
  throw new TypeError(
    'A row needs an id: a new one crypto.randomUUID(), which lasts until the server gives it its own',
  );
}

/** The values of fields; what was taken out of a row is cleared. */
function valuesOf(row: object): Record<string, unknown> {
  const fields = Object.entries(row).filter(([name]) => name !== 'id');
  return Object.fromEntries(fields.map(([name, value]) => [name, value === undefined ? null : value]));
}
