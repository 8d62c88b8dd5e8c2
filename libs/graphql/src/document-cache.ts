import { Kind, OperationTypeNode } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { fieldNamesIn, parseDocument } from './document.ts';

/** Documents that are kept, and the longest of them: what programs send, again and again, is shorter. */
const MOST_KEPT = 200;
const LONGEST_KEPT = 2048;

/** A document with what is asked of it each time that it comes. */
export interface KnownDocument {
  readonly document: DocumentNode;
  /** Names of the fields at the roots of its operations. */
  readonly roots: ReadonlySet<string>;
  readonly onlySubscribes: boolean;
  /** Schemas for which nothing is wrong with it. */
  readonly validFor: WeakSet<GraphQLSchema>;
}

/**
 * Documents that were read, so that thousands of clients which come back with the same one cost one reading of it. Only
 * those that were right for some schema are kept, the oldest are forgotten.
 */
export class DocumentCache {
  readonly #kept = new Map<string, KnownDocument>();

  /** @throws GraphQLError as `parseDocument` does. */
  get(text: string): KnownDocument {
    const known = this.#kept.get(text);
    if (known === undefined) return readDocument(text);
    this.#kept.delete(text);
    this.#kept.set(text, known);
    return known;
  }

  /** Keeps a document that is right. */
  keep(text: string, known: KnownDocument): void {
    if (text.length > LONGEST_KEPT) return;
    this.#kept.set(text, known);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }
}

function readDocument(text: string): KnownDocument {
  const document = parseDocument(text);
  return {
    document,
    roots: fieldNamesIn(document),
    onlySubscribes: document.definitions.every(
      (definition) =>
        definition.kind !== Kind.OPERATION_DEFINITION ||
        definition.operation === OperationTypeNode.SUBSCRIPTION,
    ),
    validFor: new WeakSet(),
  };
}
