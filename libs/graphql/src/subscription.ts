import { GRAPHQL_LIMITS } from '@tidewire/contract';
import type { ObjectAction } from '@tidewire/contract';
import {
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  OperationTypeNode,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
} from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLError,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  VariableValues,
} from 'graphql';
import { DocumentCache } from './document-cache.ts';
import { asBadRequest, graphqlError } from './document.ts';
import type { GraphqlRequest } from './document.ts';
import { readFilter } from './filter.ts';
import { meaningOf } from './meaning.ts';
import { documentErrors } from './rules.ts';
import { readVariables } from './variables.ts';
import type { GraphqlCatalogue } from './schema.ts';
import type { EventSelection, EventSubscription, SelectedField } from './selection.ts';

export type ReadSubscription =
  | { readonly ok: true; readonly subscription: EventSubscription }
  | { readonly ok: false; readonly errors: readonly GraphQLError[] };

/**
 * Reads a subscription for somebody who may see the schemas for which `isVisible` says so: for everybody else they are not
 * there. Never throws for anything that a client can send.
 */
export function readSubscription(
  catalogue: GraphqlCatalogue,
  isVisible: (schemaId: string) => boolean,
  request: GraphqlRequest,
): ReadSubscription {
  try {
    return { ok: true, subscription: read(catalogue, isVisible, request) };
  } catch (error) {
    if (error instanceof Refusals) return { ok: false, errors: error.errors };
    return { ok: false, errors: [asBadRequest(error)] };
  }
}

class Refusals extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('the subscription is refused');
    this.errors = errors;
  }
}

const { maxRootFields } = GRAPHQL_LIMITS;
const documents = new DocumentCache();

/** An operation, with everything that it takes to read its selections. */
interface Reading {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: VariableValues;
}

function read(
  catalogue: GraphqlCatalogue,
  isVisible: (schemaId: string) => boolean,
  { query, operationName, variables }: GraphqlRequest,
): EventSubscription {
  if (typeof query !== 'string') throw graphqlError('BAD_REQUEST', "A request has a document, 'query'");
  const known = documents.get(query);
  const { document, roots } = known;
  const operation = operationOf(document, operationName);
  const given = readVariables(variables);
  if (roots.size > maxRootFields) {
    throw graphqlError('QUERY_TOO_COMPLEX', `The document has more than ${maxRootFields} root fields`);
  }
  // Only what it names: a schema of everything would be made anew for each reader. Events lead to no other object.
  const schema = catalogue.schemaFor(
    known.onlySubscribes ? catalogue.namedBy(roots, isVisible) : catalogue.reachedBy(roots, isVisible),
  );
  if (!known.validFor.has(schema)) {
    const errors = documentErrors(schema, document);
    if (errors.length > 0) throw new Refusals(errors);
    known.validFor.add(schema);
    documents.keep(query, known);
  }
  const values = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: 10 });
  if (values.errors !== undefined) throw new Refusals(values.errors.map(asBadRequest));
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return subscriptionOf(catalogue, operation, { schema, fragments, variables: values.variableValues });
}

function operationOf(document: DocumentNode, name: unknown): OperationDefinitionNode {
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw graphqlError('BAD_REQUEST', 'operationName is a text');
  }
  const operation = getOperationAST(document, name);
  if (operation === undefined || operation === null) {
    throw graphqlError(
      'BAD_REQUEST',
      typeof name === 'string'
        ? `There is no operation '${name.slice(0, 100)}'`
        : document.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION)
          ? 'Say with operationName which operation is meant'
          : 'The document has no operation',
    );
  }
  if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
    throw graphqlError('BAD_REQUEST', 'Only subscriptions here: queries and mutations go to /api/graphql');
  }
  return operation;
}

function subscriptionOf(
  catalogue: GraphqlCatalogue,
  operation: OperationDefinitionNode,
  reading: Reading,
): EventSubscription {
  const root = reading.schema.getSubscriptionType();
  const nodes = root === undefined || root === null ? [] : fieldsOf(reading, root, operation.selectionSet);
  const [node] = nodes;
  const field = node && root?.getFields()[node.name.value];
  const means = field && meaningOf(field);
  // GraphQL's rule about one root field has spoken already, but for conditions that leave nothing over.
  if (
    root === undefined ||
    root === null ||
    node === undefined ||
    field === undefined ||
    means?.kind !== 'events'
  ) {
    throw graphqlError('BAD_REQUEST', 'A subscription selects exactly one field');
  }
  const values = new Map(Object.entries(getArgumentValues(field, node, reading.variables)));
  const type = getNamedType(field.type) as GraphQLObjectType;
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const filter = values.get('filter');
  return {
    schemaId: means.schemaId,
    selection: selectionOf(
      node,
      type,
      sets.flatMap((set) => fieldsOf(reading, type, set)),
    ),
    filter: isAbsent(filter) ? undefined : readFilter(catalogue.fieldsOf(means.schemaId), filter),
    actions: actionsOf(values.get('events')),
  };
}

/** Each once, so that subscriptions that ask for the same are alike. */
function actionsOf(events: unknown): readonly ObjectAction[] | undefined {
  if (isAbsent(events)) return undefined;
  const actions = [...new Set(events as readonly ObjectAction[])].sort();
  if (actions.length > 0) return actions;
  throw graphqlError('BAD_REQUEST', "'events' names at least one kind of event");
}

/** Null says as much as nothing. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function selectionOf(root: FieldNode, type: GraphQLObjectType, nodes: readonly FieldNode[]): EventSelection {
  const fields = new Map<string, SelectedField>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (!fields.has(key)) fields.set(key, { key, means: meaningIn(type, node) });
  }
  const response = keyOf(root);
  const described = [...fields.values()].map(({ key, means }) => [key, ...describe(means)]);
  return { key: JSON.stringify([response, described]), response, fields: [...fields.values()] };
}

function meaningIn(type: GraphQLObjectType, { name }: FieldNode): SelectedField['means'] {
  const field = type.getFields()[name.value];
  const means = field && meaningOf(field);
  switch (means?.kind) {
    case 'property':
    case 'system':
    case 'transition':
    case 'event-id':
    case 'changed':
      return means;
    default:
      // What else an event's type has is `__typename`.
      return { kind: 'typename', text: type.name };
  }
}

function describe(means: SelectedField['means']): readonly string[] {
  switch (means.kind) {
    case 'property':
      return [means.kind, means.name, means.leaf.scalar.name, String(means.leaf.list)];
    case 'system':
      return [means.kind, means.name];
    case 'typename':
      return [means.kind, means.text];
    case 'changed':
      return [means.kind, ...[...means.names].filter(([name, field]) => name !== field).flat()];
    default:
      return [means.kind];
  }
}

function keyOf({ alias, name }: FieldNode): string {
  return (alias ?? name).value;
}

/** The fields that a selection has on a type, in their order, fragments in their places. */
function fieldsOf(reading: Reading, type: GraphQLObjectType, set: SelectionSetNode): readonly FieldNode[] {
  const applies = (condition: string | undefined): boolean =>
    condition === undefined || condition === type.name;
  return set.selections.flatMap((node): readonly FieldNode[] => {
    if (!isIncluded(reading, node)) return [];
    switch (node.kind) {
      case Kind.FIELD:
        return [node];
      case Kind.INLINE_FRAGMENT:
        return applies(node.typeCondition?.name.value) ? fieldsOf(reading, type, node.selectionSet) : [];
      case Kind.FRAGMENT_SPREAD: {
        const fragment = reading.fragments.get(node.name.value);
        if (fragment === undefined || !applies(fragment.typeCondition.name.value)) return [];
        return fieldsOf(reading, type, fragment.selectionSet);
      }
    }
  });
}

function isIncluded({ variables }: Reading, node: SelectionNode): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false;
}
