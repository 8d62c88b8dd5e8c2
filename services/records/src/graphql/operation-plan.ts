import { TidewireError } from '@tidewire/contract';
import {
  asBadRequest,
  documentErrors,
  fieldNamesIn,
  graphqlError,
  parseDocument,
  readVariables,
} from '@tidewire/graphql';
import type { CurrentCatalogue, GraphqlCatalogue, GraphqlRequest } from '@tidewire/graphql';
import type { PrincipalContext } from '@tidewire/service-kit';
import { GraphQLError, Kind, OperationTypeNode, getOperationAST, getVariableValues } from 'graphql';
import type { DocumentNode, FragmentDefinitionNode, GraphQLSchema } from 'graphql';
import { findTarget, knowsOf } from '../objects/object-access.ts';
import type { Place } from '../objects/object-repository.ts';
import type { Judgement, Turn } from '../rights/judgement.ts';

import type { Introspection } from './introspection.ts';
import { requireAffordable } from './operation-cost.ts';

export interface PlannerOptions {
  readonly judgement: Pick<Judgement, 'judge'>;
  readonly catalogue: CurrentCatalogue;
  readonly introspection: Introspection;
  readonly maxRows: number;
}

/** Slugs of a schema and its register. */
export type SlugsOf = (schemaId: string) => Pick<Place, 'registerSlug' | 'schemaSlug'> | undefined;

/** An operation that may be executed: it names only what the caller may know of, and costs no more than it may. */
export interface OperationPlan {
  readonly type: OperationTypeNode;
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly catalogue: GraphqlCatalogue;
  readonly slugsOf: SlugsOf;
}

export type PlannedOperation =
  | { readonly ok: true; readonly plan: OperationPlan }
  | { readonly ok: false; readonly errors: readonly GraphQLError[] };

/** A request whose size is in order. */
interface AskedOperation extends Pick<OperationPlan, 'document' | 'variables'> {
  readonly operationName: GraphqlRequest['operationName'];
}

/** Reads requests for those who make them: what they may not know of is not there. */
export class OperationPlanner {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * Never throws for anything that a client can send. What is refused was held against the newest rights like every other
   * refusal: a field that is not there may be a schema that was made a moment ago.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when the newest rights cannot be known in time.
   */
  async plan(who: PrincipalContext | null, request: GraphqlRequest): Promise<PlannedOperation> {
    try {
      const asked = {
        document: parseDocument(request.query),
        variables: readVariables(request.variables),
        operationName: request.operationName,
      };
      return await this.#options.judgement.judge(who, async (turn) => this.#planOnce(turn, asked));
    } catch (error) {
      if (error instanceof GraphQLError) return { ok: false, errors: [error] };
      throw error;
    }
  }

  #planOnce(turn: Turn, asked: AskedOperation): PlannedOperation {
    try {
      return this.#read(turn, asked);
    } catch (error) {
      if (error instanceof TidewireError) throw error;
      return { ok: false, errors: [asBadRequest(error)] };
    }
  }

  #read(turn: Turn, { document, variables, operationName }: AskedOperation): PlannedOperation {
    const catalogue = this.#options.catalogue.of(turn.view);
    const schema = this.#schemaFor(turn, catalogue, document);
    const errors = documentErrors(schema, document);
    if (errors.length > 0) return { ok: false, errors };
    const definition = getOperationAST(document, operationName ?? undefined);
    if (definition === undefined || definition === null) {
      throw graphqlError('BAD_REQUEST', 'Say with operationName which operation of the document is meant');
    }
    if (definition.operation === OperationTypeNode.SUBSCRIPTION) {
      throw graphqlError('BAD_REQUEST', 'Subscriptions go to /api/graphql/subscriptions');
    }
    const values = getVariableValues(schema, definition.variableDefinitions ?? [], variables, {
      maxErrors: MOST_ERRORS,
    });
    if (values.errors !== undefined) return { ok: false, errors: values.errors.map(asBadRequest) };
    const fragments = fragmentsOf(document);
    requireAffordable(
      { schema, definition, fragments, variables: values.variableValues },
      this.#options.maxRows,
    );
    const { view } = turn;
    return {
      ok: true,
      plan: {
        type: definition.operation,
        schema,
        document,
        variables,
        catalogue,
        slugsOf: (schemaId) => {
          const target = findTarget(view, { table: schemaId });
          return target && { registerSlug: target.register.slug, schemaSlug: target.schema.slug };
        },
      },
    };
  }

  /** Only of what the document names: a schema of everything would be made anew for each reader. */
  #schemaFor(turn: Turn, catalogue: GraphqlCatalogue, document: DocumentNode): GraphQLSchema {
    const names = fieldNamesIn(document);
    const asksForSchema = names.has('__schema') || names.has('__type');
    if (asksForSchema && !this.#mayIntrospect(turn)) {
      throw graphqlError('INTROSPECTION_DISABLED', 'You may not ask for the schema here');
    }
    const candidates = asksForSchema
      ? catalogue.schemaIds
      : catalogue.reachedBy(names, (id) => isKnown(turn, id));
    return catalogue.schemaFor([...candidates].filter((id) => isKnown(turn, id)));
  }

  #mayIntrospect({ principal }: Turn): boolean {
    const { introspection } = this.#options;
    return introspection === 'all' || (introspection === 'signed-in' && principal !== null);
  }
}

/** Errors of the variables that are told. */
const MOST_ERRORS = 10;

/** The same rule as for lists and tables. */
function isKnown(turn: Turn, schemaId: string): boolean {
  const target = findTarget(turn.view, { table: schemaId });
  return target !== undefined && knowsOf(turn, target);
}

function fragmentsOf({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}
