import { GRAPHQL_LIMITS } from '@tidewire/contract';
import type { GraphqlErrorCode } from '@tidewire/contract';
import { GraphQLError, Kind, parse, visit } from 'graphql';
import type { DocumentNode, FragmentDefinitionNode, SelectionSetNode } from 'graphql';

/** A request as GraphQL over HTTP and WebSocket have it. */
export interface GraphqlRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What was refused, in the words of GraphQL. */
export function graphqlError(code: GraphqlErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

const { maxDocumentBytes, maxTokens, maxDepth, maxFields } = GRAPHQL_LIMITS;

/**
 * Reads a document, and refuses what would cost too much before anything looks at it more closely.
 *
 * @throws GraphQLError BAD_REQUEST for what is no document, QUERY_TOO_COMPLEX for one that is too long, too deep or too wide.
 */
export function parseDocument(text: string): DocumentNode {
  if (text.length > maxDocumentBytes) {
    throw graphqlError('QUERY_TOO_COMPLEX', `A document has at most ${maxDocumentBytes} characters`);
  }
  let document: DocumentNode;
  try {
    document = parse(text, { maxTokens });
  } catch (error) {
    throw asBadRequest(error);
  }
  measure(document);
  return document;
}

/** Names of all fields in a document, wherever they are. */
export function fieldNamesIn(document: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, { Field: ({ name }) => void names.add(name.value) });
  return names;
}

/** An error of the library's, with the code that it has here. */
export function asBadRequest(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError)) throw error;
  if (error.extensions['code'] !== undefined) return error;
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...error.extensions, code: 'BAD_REQUEST' },
  });
}

/** Walks each operation with its fragments in place, no further than the limits go; a fragment within itself ends there. */
function measure({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  let selections = 0;
  const walk = (set: SelectionSetNode | undefined, depth: number, within: readonly string[]): void => {
    for (const selection of set?.selections ?? []) {
      // Fragments count as well: nests of them need not lead to any field.
      selections += 1;
      if (selections > maxFields) throw tooComplex(`selects more than ${maxFields} fields`);
      switch (selection.kind) {
        case Kind.FIELD:
          if (depth > maxDepth) throw tooComplex(`is more than ${maxDepth} fields deep`);
          walk(selection.selectionSet, depth + 1, within);
          break;
        case Kind.INLINE_FRAGMENT:
          walk(selection.selectionSet, depth, within);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const name = selection.name.value;
          // A circle is refused by GraphQL's own rules, which come later.
          if (!within.includes(name)) {
            walk(fragments.get(name)?.selectionSet, depth, [...within, name]);
          }
          break;
        }
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) walk(definition.selectionSet, 1, []);
  }
}

function tooComplex(what: string): GraphQLError {
  return graphqlError('QUERY_TOO_COMPLEX', `The document ${what}`);
}
