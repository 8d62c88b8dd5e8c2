import { GRAPHQL_LIMITS } from '@tidewire/contract';
import type { GraphqlErrorCode } from '@tidewire/contract';
import { GraphQLError, Kind, Lexer, Source, TokenKind, parse, visit } from 'graphql';
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
/** Brackets within brackets, of all kinds together: what reads a document calls itself for each of them. */
const MAX_NESTING = 100;

/**
 * Reads a document, and refuses what would cost too much before anything looks at it more closely.
 *
 * @throws GraphQLError BAD_REQUEST for what is no document, QUERY_TOO_COMPLEX for one that is too long, too deep or too wide.
 */
export function parseDocument(text: string): DocumentNode {
  if (text.length > maxDocumentBytes) throw tooComplex(`has more than ${maxDocumentBytes} characters`);
  let document: DocumentNode;
  try {
    const source = new Source(text);
    checkTokens(source);
    document = parse(source);
  } catch (error) {
    throw asBadRequest(error);
  }
  measure(document);
  return document;
}

/** Names of the fields that a document selects at the roots of its operations, in fragments too; not of those below. */
export function fieldNamesIn(document: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, {
    Field: ({ name }) => {
      names.add(name.value);
      return false;
    },
    // What fragments on other types select is below a root.
    FragmentDefinition: ({ typeCondition }) => (ROOT_TYPES.has(typeCondition.name.value) ? undefined : false),
  });
  return names;
}

const ROOT_TYPES: ReadonlySet<string> = new Set(['Query', 'Mutation', 'Subscription']);

/** What an error tells at most, and how many places it names: both may hold as much as the request did. */
const LONGEST_MESSAGE = 500;
const MOST_PLACES = 10;

/** An error of the library's, with the code that it has here. Long messages are cut: they repeat what was sent. */
export function asBadRequest(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError)) throw error;
  if (error.extensions['code'] !== undefined) return error;
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(
    message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message,
    {
      nodes: nodes?.slice(0, MOST_PLACES),
      source,
      positions: positions?.slice(0, MOST_PLACES),
      path,
      extensions: { ...error.extensions, code: 'BAD_REQUEST' },
    },
  );
}

const OPENING: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Before the parser, which calls itself for each bracket and would run out of stack. */
function checkTokens(source: Source): void {
  const lexer = new Lexer(source);
  let nesting = 0;
  for (let count = 0; ; count += 1) {
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return;
    if (count >= maxTokens) throw tooComplex(`has more than ${maxTokens} words and signs`);
    if (OPENING.has(kind)) nesting += 1;
    if (CLOSING.has(kind)) nesting -= 1;
    if (nesting > MAX_NESTING) throw tooComplex(`has brackets more than ${MAX_NESTING} deep`);
  }
}

/**
 * Walks each operation with its fragments in place, no further than the limits go; a fragment within itself ends there.
 * Fragments that no operation leads to are walked as well: they are compared like all others before they are refused.
 */
function measure({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const met = new Set<FragmentDefinitionNode>();
  let selections = 0;
  const walk = (set: SelectionSetNode | undefined, depth: number, within: readonly string[]): void => {
    for (const selection of set?.selections ?? []) {
      // Fragments count as well: nests of them need not lead to any field.
      selections += 1;
      if (selections > maxFields) throw tooComplex(`selects more than ${maxFields} fields`);
      switch (selection.kind) {
        case Kind.FIELD:
          if (depth > maxDepth) throw tooComplex(`is more than ${maxDepth} fields deep`);
          walk(selection.selectionSet, depth + depthOf(selection.name.value), within);
          break;
        case Kind.INLINE_FRAGMENT:
          walk(selection.selectionSet, depth, within);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const name = selection.name.value;
          const fragment = fragments.get(name);
          // A circle is refused by GraphQL's own rules, which come later.
          if (fragment === undefined || within.includes(name)) break;
          met.add(fragment);
          walk(fragment.selectionSet, depth, [...within, name]);
          break;
        }
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) walk(definition.selectionSet, 1, []);
  }
  for (const definition of definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION || met.has(definition)) continue;
    walk(definition.selectionSet, 1, [definition.name.value]);
  }
}

/**
 * `ofType` unwraps lists and "not null" in answers about the schema: tools ask for nine of them in each other, and they
 * lead nowhere else. No object has a field of that name that has fields.
 */
function depthOf(name: string): number {
  return name === 'ofType' ? 0 : 1;
}

function tooComplex(what: string): GraphQLError {
  return graphqlError('QUERY_TOO_COMPLEX', `The document ${what}`);
}
