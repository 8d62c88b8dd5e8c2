import { GRAPHQL_LIMITS, LIST_LIMITS } from '@tidewire/contract';
import { graphqlError, meaningOf } from '@tidewire/graphql';
import type { FittingOperation } from '@tidewire/graphql';
import { Kind, getArgumentValues, getNamedType, isObjectType } from 'graphql';
import type { FieldNode, GraphQLField, GraphQLObjectType, SelectionSetNode } from 'graphql';

/** Objects that a list of ids is taken to lead to. */
const RELATED_ROWS = LIST_LIMITS.defaultLimit;
/** Values of an object, on average, that answers are made for: each is a field to be resolved. */
const VALUES_PER_ROW = 20;

/** What an operation may lead to: objects in its answer, and values in all of them. */
export interface OperationCost {
  readonly rows: number;
  readonly values: number;
}

/**
 * The most that an operation is expected to cost: pages as full as they may become, within each other. Conditions (`@skip`)
 * are not looked at.
 *
 * @throws GraphQLError QUERY_TOO_COMPLEX for too many fields at the root.
 */
export function operationCost(operation: FittingOperation): OperationCost {
  const { schema, definition } = operation;
  const root = schema.getRootType(definition.operation);
  const cost = { rows: 0, values: 0 };
  if (root === undefined || root === null) return cost;
  let roots = 0;
  const walk = (set: SelectionSetNode | undefined, type: GraphQLObjectType, times: number): void => {
    for (const node of fieldsOf(operation, set)) {
      if (type === root) roots += 1;
      cost.values += times;
      const field = type.getFields()[node.name.value];
      if (field === undefined) continue;
      const below = times * rowsOf(operation, field, node);
      if (HOLDERS.has(meaningOf(field)?.kind)) cost.rows += below;
      const inner = getNamedType(field.type);
      if (isObjectType(inner)) walk(node.selectionSet, inner, below);
    }
  };
  walk(definition.selectionSet, root, 1);
  if (roots > GRAPHQL_LIMITS.maxRootFields) {
    throw graphqlError(
      'QUERY_TOO_COMPLEX',
      `An operation has at most ${GRAPHQL_LIMITS.maxRootFields} fields at its root`,
    );
  }
  return cost;
}

/** @throws GraphQLError QUERY_TOO_COMPLEX when an operation may cost more than that. */
export function requireAffordable(operation: FittingOperation, maxRows: number): void {
  const { rows, values } = operationCost(operation);
  if (rows <= maxRows && values <= maxRows * VALUES_PER_ROW) return;
  const [what, most] =
    rows > maxRows ? [`${rows} objects`, maxRows] : [`${values} values`, maxRows * VALUES_PER_ROW];
  throw graphqlError(
    'QUERY_TOO_COMPLEX',
    `The operation may lead to ${what}, more than ${most}: ask for fewer with first`,
  );
}

/** Fields that objects come from. */
const HOLDERS: ReadonlySet<unknown> = new Set(['single', 'list', 'create', 'update', 'relation']);

function rowsOf(operation: FittingOperation, field: GraphQLField<unknown, unknown>, node: FieldNode): number {
  const means = meaningOf(field);
  if (means?.kind === 'relation') return means.many ? RELATED_ROWS : 1;
  if (means?.kind !== 'list') return 1;
  const first = getArgumentValues(field, node, operation.variables)['first'];
  const wanted = typeof first === 'number' ? first : LIST_LIMITS.defaultLimit;
  return Math.min(Math.max(wanted, 1), LIST_LIMITS.maxLimit);
}

/** The fields of a selection set, those of its fragments in their places. The document is in order: no fragment is in itself. */
function* fieldsOf(operation: FittingOperation, set: SelectionSetNode | undefined): Iterable<FieldNode> {
  for (const selection of set?.selections ?? []) {
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT) yield* fieldsOf(operation, selection.selectionSet);
    else yield* fieldsOf(operation, operation.fragments.get(selection.name.value)?.selectionSet);
  }
}
