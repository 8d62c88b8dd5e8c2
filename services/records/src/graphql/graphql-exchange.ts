import { GRAPHQL_MEDIA_TYPE, PROBLEM_MEDIA_TYPE, TidewireError, formatProblem } from '@tidewire/contract';
import { toTidewireError } from '@tidewire/service-kit';
import type { Logger } from '@tidewire/service-kit';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { ExecutionResult } from 'graphql';
import type { OperationArgs, RequestParams, Response } from 'graphql-http';
import type { ObjectReader } from '../objects/object-reader.ts';
import type { ObjectWriter } from '../objects/object-writer.ts';
import { AnswerBudget } from './answer-budget.ts';
import type { AnswerLimits } from './answer-budget.ts';
import { passingFault, tellError } from './answer-error.ts';
import { Execution } from './execution.ts';
import type { Asker } from './execution.ts';
import { resolveField } from './field-resolver.ts';
import type { ExecutionContext } from './field-resolver.ts';
import { readHttpParameters } from './http-parameters.ts';
import type { SentRequest } from './http-parameters.ts';
import { answerMediaType } from './media-type.ts';
import type { AnswerMediaType } from './media-type.ts';
import type { OperationPlan, OperationPlanner } from './operation-plan.ts';
import type { PersistedQueries } from './persisted-queries.ts';

/** What requests are answered with. */
export interface ExchangeOptions {
  readonly planner: Pick<OperationPlanner, 'plan'>;
  readonly persisted: PersistedQueries;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  readonly limits: AnswerLimits;
  readonly logger: Logger;
}

/** A request as it came in. */
export interface GraphqlHttpRequest extends SentRequest {
  readonly accept: string | undefined;
  readonly asker: Asker;
}

/** How a request ended. `refused`: nothing was executed. */
export type GraphqlOutcome = 'data' | 'errors' | 'refused';

type Arguments = OperationArgs<ExecutionContext>;

/** One request of GraphQL over HTTP, from its parameters to what its answer says. */
export class GraphqlExchange {
  readonly mediaType: AnswerMediaType;
  /** What was executed. */
  type: OperationPlan['type'] | 'none' = 'none';
  outcome: GraphqlOutcome = 'refused';
  readonly #options: ExchangeOptions;
  readonly #request: GraphqlHttpRequest;
  readonly #budget: AnswerBudget;
  /** Why a request that is in order cannot be executed, known before anybody looks at its document. */
  #unknown: GraphQLError | undefined;
  #isPersisted = false;

  constructor(options: ExchangeOptions, request: GraphqlHttpRequest) {
    this.#options = options;
    this.#request = request;
    this.mediaType = answerMediaType(request.accept);
    this.#budget = new AnswerBudget(options.limits);
  }

  /** What is asked for; or the refusal of what is no request of GraphQL. */
  readParameters(): RequestParams | Response {
    try {
      const { query, operationName, variables, extensions } = readHttpParameters(this.#request);
      const persisted = extensions?.persistedQuery;
      this.#isPersisted = persisted !== undefined;
      return { query: this.#options.persisted.resolve(query, persisted), operationName, variables };
    } catch (error) {
      if (error instanceof GraphQLError) {
        this.#unknown = error;
        return { query: '' };
      }
      return this.#refuse([this.#tell(error)], toTidewireError(error));
    }
  }

  /** What is to be executed; or why it is not. */
  async begin(params: RequestParams): Promise<Arguments | Response> {
    if (this.#unknown !== undefined) return this.#answer(this.#mistaken, [this.#unknown]);
    const { query, operationName, variables } = params;
    const { planner, persisted } = this.#options;
    const { asker, method } = this.#request;
    try {
      const planned = await planner.plan(asker.who, { query, operationName, variables });
      if (!planned.ok) return this.#answer(this.#mistaken, planned.errors);
      const { plan } = planned;
      if (plan.type === OperationTypeNode.MUTATION && method !== 'POST') {
        throw new TidewireError('METHOD_NOT_ALLOWED', 'Mutations are sent with POST.');
      }
      if (this.#isPersisted) persisted.keep(query);
      this.type = plan.type;
      return { ...this.#argumentsOf(plan), operationName };
    } catch (error) {
      return this.#refuse([this.#tell(error)], toTidewireError(error));
    }
  }

  /** The answer to what was executed. Where nothing can be told at the moment it is a refusal, which can be sent again. */
  finish({ data, errors = [] }: ExecutionResult): ExecutionResult | Response {
    const told = errors.map((error) => this.#tell(error));
    const isEmpty = Object.values(data ?? {}).every((value) => value === null);
    const passing = isEmpty ? passingFault(told) : undefined;
    if (passing !== undefined) return this.#refuse(told, passing);
    this.outcome = told.length > 0 ? 'errors' : 'data';
    const { errorsLeftOut } = this.#budget;
    return {
      ...(told.length === 0 ? {} : { errors: told }),
      data: data ?? null,
      ...(errorsLeftOut === 0 ? {} : { extensions: { errorsLeftOut } }),
    };
  }

  #argumentsOf({ schema, document, variables, catalogue, slugsOf }: OperationPlan): Arguments {
    const { reader, writer } = this.#options;
    const { asker } = this.#request;
    const budget = this.#budget;
    const execution = new Execution({ asker, reader, writer, catalogue, slugsOf, budget });
    return {
      schema,
      document,
      variableValues: variables,
      contextValue: { execution },
      fieldResolver: resolveField,
      abortSignal: budget.signal,
    };
  }

  /** Status of an answer to a document that is wrong: old clients look at the body only where it is a success. */
  get #mistaken(): number {
    return this.mediaType === GRAPHQL_MEDIA_TYPE ? 400 : 200;
  }

  /** In GraphQL's words for those who ask for its media type, as a problem like everywhere for all others. */
  #refuse(errors: readonly GraphQLError[], error: TidewireError): Response {
    const { code, status, retryAfterSeconds } = error;
    const headers = {
      ...(code === 'METHOD_NOT_ALLOWED' ? { allow: 'POST' } : {}),
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    };
    if (this.mediaType === GRAPHQL_MEDIA_TYPE) return this.#answer(status, errors, headers);
    const problem = { ...headers, 'content-type': PROBLEM_MEDIA_TYPE };
    return [JSON.stringify(formatProblem(error)), { status, statusText: '', headers: problem }];
  }

  /** Errors and no data. The library knows its errors by their class, of which there may be two in a process. */
  #answer(
    status: number,
    errors: readonly GraphQLError[],
    headers: Readonly<Record<string, string>> = {},
  ): Response {
    const type = { 'content-type': `${this.mediaType}; charset=utf-8` };
    return [JSON.stringify({ errors }), { status, statusText: '', headers: { ...headers, ...type } }];
  }

  #tell(error: unknown): GraphQLError {
    const { logger } = this.#options;
    const { correlationId } = this.#request.asker;
    return tellError(error, { logger, correlationId });
  }
}
