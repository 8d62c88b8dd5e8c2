import { AbortedGraphQLExecutionError, GraphQLError, execute } from 'graphql';
import { createHandler } from 'graphql-http';
import type { ExecutionContext } from './field-resolver.ts';
import { GraphqlExchange } from './graphql-exchange.ts';
import type { ExchangeOptions, GraphqlHttpRequest, GraphqlOutcome } from './graphql-exchange.ts';
import type { OperationPlan } from './operation-plan.ts';

export interface GraphqlHandlerOptions extends ExchangeOptions {
  /** Told of every request: what was executed, and how it ended. */
  readonly onAnswered: (type: OperationPlan['type'] | 'none', outcome: GraphqlOutcome) => void;
}

/** What goes out. */
export interface GraphqlHttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers one request; errors are answers. */
export type GraphqlHandler = (request: GraphqlHttpRequest) => Promise<GraphqlHttpAnswer>;

/** Answers queries and mutations as GraphQL over HTTP has it (https://graphql.github.io/graphql-over-http/). */
export function createGraphqlHandler(options: GraphqlHandlerOptions): GraphqlHandler {
  const handle = createHandler<undefined, GraphqlExchange, ExecutionContext>({
    parseRequestParams: ({ context: exchange }) => exchange.readParameters(),
    onSubscribe: ({ context: exchange }, params) => exchange.begin(params),
    execute: executeWithinBudget,
    onOperation: ({ context: exchange }, _args, result) => exchange.finish(result),
  });
  return async (request) => {
    const exchange = new GraphqlExchange(options, request);
    const [body, { status, headers = {} }] = await handle({
      method: request.method,
      url: '',
      headers: { accept: exchange.mediaType },
      body: null,
      raw: undefined,
      context: exchange,
    });
    options.onAnswered(exchange.type, exchange.outcome);
    return { status, headers, body: body ?? '' };
  };
}

/** An answer that costs too much is none: what was written was written, and cannot be told. */
const executeWithinBudget: typeof execute = async (args) => {
  try {
    return await execute(args);
  } catch (error) {
    if (!(error instanceof AbortedGraphQLExecutionError)) throw error;
    const reason = error.cause;
    const originalError = reason instanceof Error ? reason : error;
    return {
      data: null,
      errors: [reason instanceof GraphQLError ? reason : new GraphQLError(error.message, { originalError })],
    };
  }
};
