import { createHash } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import { graphqlError } from '@tidewire/graphql';

/** `extensions.persistedQuery`: a document by the SHA-256 of its text. */
export interface PersistedQuery {
  readonly version: number;
  readonly sha256Hash: string;
}

/**
 * Documents that clients have sent before and name by their hash from then on (automatic persisted queries). Each process keeps
 * those used last; one that is not known is sent again, with its hash.
 */
export class PersistedQueries {
  readonly #most: number;
  readonly #texts = new Map<string, string>();

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * The text that is meant.
   *
   * @throws GraphQLError PERSISTED_QUERY_NOT_FOUND; TidewireError BAD_REQUEST when text and hash do not go together.
   */
  resolve(text: string | undefined, persisted: PersistedQuery | undefined): string {
    if (persisted === undefined) {
      if (text === undefined) throw new TidewireError('BAD_REQUEST', 'Send a query.');
      return text;
    }
    if (persisted.version !== 1) {
      throw new TidewireError('BAD_REQUEST', 'Persisted queries have version 1.');
    }
    const hash = persisted.sha256Hash.toLowerCase();
    if (text === undefined) return this.#find(hash);
    if (hashOf(text) !== hash) {
      throw new TidewireError('BAD_REQUEST', 'sha256Hash is not the SHA-256 of the query.');
    }
    return text;
  }

  /** Keeps a text that turned out to be a document that may be executed. */
  keep(text: string): void {
    const hash = hashOf(text);
    this.#texts.delete(hash);
    this.#texts.set(hash, text);
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= this.#most) break;
      this.#texts.delete(oldest);
    }
  }

  #find(hash: string): string {
    const text = this.#texts.get(hash);
    if (text === undefined) {
      throw graphqlError('PERSISTED_QUERY_NOT_FOUND', 'Send the query with its hash once more');
    }
    this.#texts.delete(hash);
    this.#texts.set(hash, text);
    return text;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
