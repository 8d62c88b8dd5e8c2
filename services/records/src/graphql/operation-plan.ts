import { TidewireError } from '@tidewire/contract';
import { asBadRequest, fitOperation, graphqlError, readOperation } from '@tidewire/graphql';
import type {
  AskedOperation,
  CurrentCatalogue,
  FittingOperation,
  GraphqlCatalogue,
  GraphqlRequest,
} from '@tidewire/graphql';
import type { PrincipalContext } from '@tidewire/service-kit';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
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
      const asked = readOperation(request);
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

  #read(turn: Turn, asked: AskedOperation): PlannedOperation {
    const catalogue = this.#options.catalogue.of(turn.view);
    if (asked.definition.operation === OperationTypeNode.SUBSCRIPTION) {
      throw graphqlError('BAD_REQUEST', 'Subscriptions go to /api/graphql/subscriptions');
    }
    const fitted = fitOperation(asked, this.#schemaFor(turn, catalogue, asked.known.roots));
    if (!fitted.ok) return fitted;
    requireAffordable(fitted.operation, this.#options.maxRows);
    return { ok: true, plan: planOf(turn, catalogue, asked, fitted.operation) };
  }

  /** Only of what the document names: a schema of everything would be made anew for each reader. */
  #schemaFor(turn: Turn, catalogue: GraphqlCatalogue, names: ReadonlySet<string>): GraphQLSchema {
    const asksForSchema = names.has('__schema') || names.has('__type');
    if (asksForSchema && !this.#mayIntrospect(turn)) {
      throw graphqlError('INTROSPECTION_DISABLED', 'You may not ask for the schema here');
    }
    const isVisible = (id: string): boolean => isKnown(turn, id);
    return catalogue.schemaFor(
      asksForSchema ? [...catalogue.schemaIds].filter(isVisible) : catalogue.reachedBy(names, isVisible),
    );
  }

  #mayIntrospect({ principal }: Turn): boolean {
    const { introspection } = this.#options;
    return introspection === 'all' || (introspection === 'signed-in' && principal !== null);
  }
}

function planOf(
  { view }: Turn,
  catalogue: GraphqlCatalogue,
  { known, given }: AskedOperation,
  { schema, definition }: FittingOperation,
): OperationPlan {
  return {
    type: definition.operation,
    schema,
    document: known.document,
    variables: given,
    catalogue,
    slugsOf: (schemaId) => {
      const target = findTarget(view, { table: schemaId });
      return target && { registerSlug: target.register.slug, schemaSlug: target.schema.slug };
    },
  };
}

/** The same rule as for lists and tables. */
function isKnown(turn: Turn, schemaId: string): boolean {
  const target = findTarget(turn.view, { table: schemaId });
  return target !== undefined && knowsOf(turn, target);
}
