import { setTimeout as delay } from 'node:timers/promises';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { GRAPHQL_PATHS } from '@tidewire/contract';
import { print } from 'graphql';
import { createClient } from 'graphql-sse';
import type { Client as SseClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import type { Client as SocketClient } from 'graphql-ws';
import { Observable, tap } from 'rxjs';

/** What an application asks for. */
export interface WantedEvents {
  readonly query: string;
  /** Tells what comes after it. */
  readonly cursor?: string;
}

/** What it was told, in the order in which it came. */
export interface ToldEvents {
  readonly results: { readonly data: unknown; readonly errors: readonly unknown[] }[];
  readonly resyncs: { readonly reason: string; readonly current: string }[];
  /** What the library took for a failure. */
  readonly failures: unknown[];
}

/** An application's GraphQL library, of one credential at one gateway. */
export interface GraphqlClient extends Disposable {
  readonly watch: (wanted: WantedEvents) => ToldEvents & Disposable;
}

export interface GraphqlLibrary {
  readonly name: string;
  readonly open: (base: string, token: string) => GraphqlClient;
}

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** Takes down what comes, and keeps the cursor with which the library comes back. */
class Watching implements ToldEvents {
  readonly results: ToldEvents['results'] = [];
  readonly resyncs: ToldEvents['resyncs'] = [];
  readonly failures: unknown[] = [];
  readonly request: { readonly query: string; readonly extensions: Record<string, unknown> };
  #cursor: string | undefined;

  constructor({ query, cursor }: WantedEvents) {
    this.#cursor = cursor;
    // Libraries send a request again as they were given it: what it says of the cursor is read each time it is sent.
    this.request = { query, extensions: { lastEventId: { toJSON: () => this.#cursor } } };
  }

  /** Results without data say something else than that something happened. */
  take({ data, errors = [], extensions }: Result): void {
    const resync = extensions?.['resync'] as ToldEvents['resyncs'][number] | undefined;
    if (resync === undefined) {
      this.results.push({ data, errors });
      const [event] = Object.values((data ?? {}) as Record<string, { readonly _eventId?: string }>);
      this.#cursor = event?._eventId ?? this.#cursor;
    } else {
      this.resyncs.push(resync);
      this.#cursor = resync.current;
    }
  }

  fail(error: unknown): void {
    this.failures.push(error);
  }
}

/** How often a library tries to come back, and after what time. */
const COMING_BACK = { retryAttempts: 100, wait: (): Promise<void> => delay(200) };

function openSse(base: string, token: string, singleConnection = false): SseClient<boolean> {
  const path = singleConnection ? GRAPHQL_PATHS.stream : GRAPHQL_PATHS.subscriptions;
  return createClient<boolean>({
    singleConnection,
    url: `${base}${path}`,
    headers: { authorization: `Bearer ${token}` },
    retryAttempts: COMING_BACK.retryAttempts,
    retry: COMING_BACK.wait,
  });
}

function openSocket(base: string, token: string): SocketClient {
  return createSocketClient({
    url: `${base.replace(/^http/, 'ws')}${GRAPHQL_PATHS.subscriptions}`,
    connectionParams: { token },
    retryAttempts: COMING_BACK.retryAttempts,
    retryWait: COMING_BACK.wait,
    shouldRetry: () => true,
  });
}

function watchOver(client: SseClient<boolean> | SocketClient): GraphqlClient {
  return {
    watch: (wanted) => {
      const watching = new Watching(wanted);
      const stop = client.subscribe(watching.request, {
        next: (result) => watching.take(result as Result),
        error: (error) => watching.fail(error),
        complete: () => undefined,
      });
      return Object.assign(watching, { [Symbol.dispose]: stop });
    },
    [Symbol.dispose]: () => void client.dispose(),
  };
}

/** Apollo Client's end of graphql-sse: a link of the kind that it calls terminating. */
function linkOver(client: SseClient<boolean>): ApolloLink {
  return new ApolloLink(
    ({ query, variables, operationName, extensions }) =>
      new Observable((observer) =>
        client.subscribe(
          {
            query: print(query),
            variables,
            extensions,
            ...(operationName !== undefined && { operationName }),
          },
          {
            next: (result) => observer.next(result as ApolloLink.Result),
            error: (error) => observer.error(error),
            complete: () => observer.complete(),
          },
        ),
      ),
  );
}

/**
 * Apollo Client over any terminating link. It keeps results without data and errors from its subscribers, so that "fetch
 * again" is for a link to see; and with its usual error policy it would keep what may be read from them as well, where
 * something else may not.
 */
function watchWithApollo(terminating: ApolloLink, dispose: () => void): GraphqlClient {
  return {
    watch: (wanted) => {
      const watching = new Watching(wanted);
      const { query, extensions } = watching.request;
      const seeing = new ApolloLink((operation, forward) =>
        forward(operation).pipe(
          tap((result) => {
            if (result.extensions?.['resync'] !== undefined) watching.take(result as Result);
          }),
        ),
      );
      const client = new ApolloClient({ link: seeing.concat(terminating), cache: new InMemoryCache() });
      const subscription = client
        .subscribe({ query: gql(query), extensions, errorPolicy: 'all', fetchPolicy: 'no-cache' })
        .subscribe({
          next: ({ data, error }) => {
            if (error === undefined) watching.take({ data });
            else if (CombinedGraphQLErrors.is(error)) watching.take({ data, errors: error.errors });
            else watching.fail(error);
          },
          error: (error) => watching.fail(error),
        });
      const stop = (): void => {
        subscription.unsubscribe();
        client.stop();
      };
      return Object.assign(watching, { [Symbol.dispose]: stop });
    },
    [Symbol.dispose]: dispose,
  };
}

/** Libraries that applications use, each over a protocol that it knows. */
export const GRAPHQL_LIBRARIES: readonly GraphqlLibrary[] = [
  {
    name: 'graphql-sse, a connection for each subscription',
    open: (base, token) => watchOver(openSse(base, token)),
  },
  {
    name: 'Apollo Client over graphql-sse',
    open: (base, token) => {
      const client = openSse(base, token);
      return watchWithApollo(linkOver(client), () => client.dispose());
    },
  },
  {
    name: 'graphql-sse, one connection for all subscriptions',
    open: (base, token) => watchOver(openSse(base, token, true)),
  },
  {
    name: 'graphql-ws',
    open: (base, token) => watchOver(openSocket(base, token)),
  },
  {
    name: 'Apollo Client over graphql-ws',
    open: (base, token) => {
      const client = openSocket(base, token);
      return watchWithApollo(new GraphQLWsLink(client), () => void client.dispose());
    },
  },
];
