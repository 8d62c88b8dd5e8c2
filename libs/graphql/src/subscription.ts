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
} from 'graphql';
import type { FieldNode, GraphQLError, GraphQLObjectType, SelectionNode, SelectionSetNode } from 'graphql';
import { asBadRequest, graphqlError } from './document.ts';
import type { GraphqlRequest } from './document.ts';
import { readFilter } from './filter.ts';
import { meaningOf } from './meaning.ts';
import { fitOperation, readOperation } from './operation.ts';
import type { FittingOperation } from './operation.ts';
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
    const asked = readOperation(request);
    const { roots, onlySubscribes } = asked.known;
    if (asked.definition.operation !== OperationTypeNode.SUBSCRIPTION) {
      throw graphqlError('BAD_REQUEST', 'Only subscriptions here: queries and mutations go to /api/graphql');
    }
    if (roots.size > maxRootFields) {
      throw graphqlError('QUERY_TOO_COMPLEX', `The document has more than ${maxRootFields} root fields`);
    }
    // Only what it names: a schema of everything would be made anew for each reader. Events lead to no other object.
    const schema = catalogue.schemaFor(
      onlySubscribes ? catalogue.namedBy(roots, isVisible) : catalogue.reachedBy(roots, isVisible),
    );
    const fitted = fitOperation(asked, schema);
    return fitted.ok ? { ok: true, subscription: subscriptionOf(catalogue, fitted.operation) } : fitted;
  } catch (error) {
    return { ok: false, errors: [asBadRequest(error)] };
  }
}

const { maxRootFields } = GRAPHQL_LIMITS;

function subscriptionOf(catalogue: GraphqlCatalogue, operation: FittingOperation): EventSubscription {
  const { schema, definition } = operation;
  const root = schema.getSubscriptionType();
  const nodes = root === undefined || root === null ? [] : fieldsOf(operation, root, definition.selectionSet);
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
  const values = new Map(Object.entries(getArgumentValues(field, node, operation.variables)));
  const type = getNamedType(field.type) as GraphQLObjectType;
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const filter = values.get('filter');
  return {
    schemaId: means.schemaId,
    selection: selectionOf(
      node,
      type,
      sets.flatMap((set) => fieldsOf(operation, type, set)),
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
function fieldsOf(
  operation: FittingOperation,
  type: GraphQLObjectType,
  set: SelectionSetNode,
): readonly FieldNode[] {
  const applies = (condition: string | undefined): boolean =>
    condition === undefined || condition === type.name;
  return set.selections.flatMap((node): readonly FieldNode[] => {
    if (!isIncluded(operation, node)) return [];
    switch (node.kind) {
      case Kind.FIELD:
        return [node];
      case Kind.INLINE_FRAGMENT:
        return applies(node.typeCondition?.name.value) ? fieldsOf(operation, type, node.selectionSet) : [];
      case Kind.FRAGMENT_SPREAD: {
        const fragment = operation.fragments.get(node.name.value);
        if (fragment === undefined || !applies(fragment.typeCondition.name.value)) return [];
        return fieldsOf(operation, type, fragment.selectionSet);
      }
    }
  });
}

function isIncluded({ variables }: FittingOperation, node: SelectionNode): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false;
}
