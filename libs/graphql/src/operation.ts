import { Kind, getOperationAST, getVariableValues } from 'graphql';
import type {
  DocumentNode,
  FragmentDefinitionNode,
  GraphQLError,
  GraphQLSchema,
  OperationDefinitionNode,
  VariableValues,
} from 'graphql';
import type { JsonValue } from '@tidewire/contract';
import { DocumentCache } from './document-cache.ts';
import type { KnownDocument } from './document-cache.ts';
import { asBadRequest, graphqlError } from './document.ts';
import type { GraphqlRequest } from './document.ts';
import { documentErrors } from './rules.ts';
import { readVariables } from './variables.ts';

/** A request whose size is in order; whether it fits a schema is not looked at yet. */
export interface AskedOperation {
  readonly text: string;
  readonly known: KnownDocument;
  readonly definition: OperationDefinitionNode;
  /** Variables as they were sent, without anything inherited. */
  readonly given: Readonly<Record<string, JsonValue>>;
}

/** An operation that fits a schema, with everything that it takes to read its selections. */
export interface FittingOperation {
  readonly schema: GraphQLSchema;
  readonly definition: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: VariableValues;
}

export type FittedOperation =
  | { readonly ok: true; readonly operation: FittingOperation }
  | { readonly ok: false; readonly errors: readonly GraphQLError[] };

/** Errors of the variables that are told. */
const MOST_ERRORS = 10;

const documents = new DocumentCache();

/**
 * Reads what a request asks for, before anybody knows who asks.
 *
 * @throws GraphQLError BAD_REQUEST for what is no document, or names none of its operations; QUERY_TOO_COMPLEX for what is
 * too large.
 */
export function readOperation({ query, operationName, variables }: GraphqlRequest): AskedOperation {
  if (typeof query !== 'string') throw graphqlError('BAD_REQUEST', "A request has a document, 'query'");
  const known = documents.get(query);
  const definition = definitionOf(known.document, operationName);
  return { text: query, known, definition, given: readVariables(variables) };
}

/** Holds an operation against a schema: what its document says, and what its variables hold. */
export function fitOperation(asked: AskedOperation, schema: GraphQLSchema): FittedOperation {
  const { text, known, definition, given } = asked;
  if (!known.validFor.has(schema)) {
    const errors = documentErrors(schema, known.document);
    if (errors.length > 0) return { ok: false, errors };
    known.validFor.add(schema);
    documents.keep(text, known);
  }
  const values = getVariableValues(schema, definition.variableDefinitions ?? [], given, {
    maxErrors: MOST_ERRORS,
  });
  if (values.errors !== undefined) return { ok: false, errors: values.errors.map(asBadRequest) };
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of known.document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  return { ok: true, operation: { schema, definition, fragments, variables: values.variableValues } };
}

function definitionOf(document: DocumentNode, name: unknown): OperationDefinitionNode {
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw graphqlError('BAD_REQUEST', 'operationName is a text');
  }
  const definition = getOperationAST(document, name);
  if (definition !== undefined && definition !== null) return definition;
  if (typeof name === 'string') {
    throw graphqlError('BAD_REQUEST', `There is no operation '${name.slice(0, 100)}'`);
  }
  const hasSome = document.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  throw graphqlError(
    'BAD_REQUEST',
    hasSome ? 'Say with operationName which operation is meant' : 'The document has no operation',
  );
}
