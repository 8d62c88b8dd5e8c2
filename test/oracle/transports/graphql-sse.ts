import { errorCodeRow } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import type { WrittenDocument } from '../graphql-document.ts';
import type { GraphqlOperation } from '../graphql-face.ts';
import type { Interest } from '../expectation.ts';
import type { StreamListener, Transport } from '../transport.ts';
import { openEvents } from './sse.ts';
import type { Block } from './sse.ts';

const PATH = '/api/graphql/subscriptions';
const UNKNOWN_ROOT = /^Cannot query field ".*" on type "(?:Subscription|Query|Mutation)"/;

/** `GET /api/graphql/subscriptions`: a connection for each subscription. */
export const graphqlSse: Transport = {
  name: 'graphql-sse',
  follows: ({ graphql }) => graphql !== undefined,
  open: (asked, listener) => {
    const { query, operationName, variables } = operationOf(asked.interest);
    return openEvents(asked, listener, {
      path: PATH,
      query: [
        ['query', query],
        ...(operationName === undefined ? [] : [['operationName', operationName] as const]),
        ...(Object.keys(variables).length === 0 ? [] : [['variables', JSON.stringify(variables)] as const]),
      ],
      read: readResult,
    });
  },
};

/** The same with `POST`, where the operation brings its cursor. */
export const graphqlSsePost: Transport = {
  name: 'graphql-sse-post',
  follows: ({ graphql }) => graphql !== undefined,
  open: (asked, listener) =>
    openEvents(asked, listener, {
      path: PATH,
      query: [],
      body: requestOf(operationOf(asked.interest), asked.cursorInHeader ? undefined : asked.cursor),
      read: readResult,
    }),
};

/** A request of GraphQL's as JSON. */
export function requestOf(
  { query, operationName, variables }: WrittenDocument,
  cursor: string | undefined,
): object {
  return {
    query,
    ...(operationName === undefined ? {} : { operationName }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
    ...(cursor === undefined ? {} : { extensions: { lastEventId: cursor } }),
  };
}

export function operationOf({ graphql }: Interest): GraphqlOperation {
  if (graphql === undefined) throw new Error('an operation is needed');
  return graphql;
}

/** What `next` carries, as far as it is no event. */
interface Result {
  readonly data?: unknown;
  readonly errors?: readonly ResultError[];
  readonly extensions?: {
    readonly resync?: { readonly current: string };
    readonly credentialExpiring?: unknown;
  };
}

export interface ResultError {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

function readResult({ id, name, data }: Block, listener: StreamListener, begun: boolean): void {
  if (name === 'complete' && id === 'complete' && data === '') return;
  const event = { id: id ?? '', name: name ?? 'message', text: data };
  if (name !== 'next') listener.event(event);
  else takeResult(JSON.parse(data) as Result, event, listener, begun);
}

/** Passes on what a result is: an event, or what has no place among them. */
function takeResult(
  { data, errors, extensions }: Result,
  event: Parameters<StreamListener['event']>[0],
  listener: StreamListener,
  begun: boolean,
): void {
  if (data === undefined && errors !== undefined) {
    if (begun) listener.ended(endOf(errors));
    else listener.refused(statusOf(errors), JSON.stringify(errors));
    return;
  }
  const { resync, credentialExpiring } = extensions ?? {};
  // The cursor is what the resync says, which is said twice.
  if (data === null && resync?.current === event.id) listener.resync(JSON.stringify(resync));
  else if (data !== null || credentialExpiring === undefined) listener.event(event);
}

/** Why a subscription was ended from which nobody is to come back. */
export function endOf([error]: readonly ResultError[]): string {
  return JSON.stringify({ code: error?.extensions.code, reconnect: false });
}

/** As which status a refusal is to be judged: a root field that is not there is a schema that is not. */
export function statusOf(errors: readonly ResultError[]): number {
  if (errors.some(({ message }) => UNKNOWN_ROOT.test(message))) return 404;
  const [first] = errors;
  return errorCodeRow(first?.extensions.code as ErrorCode)?.status ?? 0;
}
