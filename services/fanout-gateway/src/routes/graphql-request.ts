import { GRAPHQL_LIMITS, QUERY_PARAMETERS, TidewireError, graphqlOperationSchema } from '@tidewire/contract';
import type { GraphqlOperation } from '@tidewire/contract';
import { parseInput } from '@tidewire/service-kit';
import { cursorIn } from '../graphql/operation.ts';
import { onlyValue } from './poll-query.ts';
import { readQuery, unknownParameter } from './subscription-query.ts';

const PARAMETERS = ['query', 'operationName', 'variables', 'extensions'] as const;
const KNOWN: readonly string[] = [...PARAMETERS, QUERY_PARAMETERS.lastEventId, QUERY_PARAMETERS.token];

/** A request for a subscription as it was sent. */
export interface OperationRequest {
  readonly operation: GraphqlOperation;
  /** The cursor of the address or of the operation; a header comes before both. */
  readonly lastEventId: string | undefined;
}

/** @throws TidewireError BAD_REQUEST for what is no request of GraphQL; whether its document is one is not looked at. */
export function readOperationRequest(method: string, url: string, body: unknown): OperationRequest {
  const query = readQuery(url);
  const unknown = query.entries.find(([name]) => !KNOWN.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], KNOWN);
  const sent =
    method === 'POST'
      ? body
      : {
          query: onlyValue(query, 'query'),
          operationName: onlyValue(query, 'operationName'),
          variables: parseJson('variables', onlyValue(query, 'variables')),
          extensions: parseJson('extensions', onlyValue(query, 'extensions')),
        };
  const operation = parseInput(graphqlOperationSchema, sent, method === 'POST' ? 'body' : 'query');
  return { operation, lastEventId: onlyValue(query, QUERY_PARAMETERS.lastEventId) ?? cursorIn(operation) };
}

function parseJson(name: string, text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  if (text.length > GRAPHQL_LIMITS.maxVariablesBytes) {
    throw new TidewireError('BAD_REQUEST', `${name} is longer than 64 KiB`);
  }
  try {
    return JSON.parse(text);
  } catch {
    const message = `${name} is not valid JSON`;
    throw new TidewireError('BAD_REQUEST', message, { errors: [{ field: name, message }] });
  }
}
