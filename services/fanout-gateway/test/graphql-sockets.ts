import { GRAPHQL_PATHS, GRAPHQL_SOCKET_PROTOCOL } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { SocketClient } from '@tidewire/test-kit';
import { createClient } from 'graphql-ws';
import type { Client, ClientOptions } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { GraphqlRecording } from './graphql-recording.ts';
import type { TestGateway } from './world.ts';

/** What a test's operations select, unless it is about that. */
export const SAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';
export const WHOLE = 'subscription { meldingenEvents { _event _eventId _uuid titel status } }';

/** Where a gateway takes sockets of GraphQL. */
export const graphqlAddress = (at: TestGateway): string =>
  at.url(GRAPHQL_PATHS.subscriptions).replace(/^http/, 'ws');

/** The official client. It comes back at once, so that no test waits. */
export function connect(
  at: TestGateway,
  secret: string | undefined,
  options: Partial<ClientOptions> = {},
): Client {
  const client = createClient({
    url: () => graphqlAddress(at),
    webSocketImpl: WebSocket,
    ...(secret !== undefined && { connectionParams: { token: secret } }),
    retryWait: async () => undefined,
    ...options,
  });
  // It waits for a connection that is being made, and fails when that does: to a gateway that the test has ended.
  onTestFinished(() => Promise.resolve(client.dispose()).catch(() => undefined));
  return client;
}

/** Subscribes, and waits until it is. */
export async function subscribe(
  client: Client,
  query: string,
  extensions: Record<string, unknown> = {},
): Promise<GraphqlRecording> {
  const recording = new GraphqlRecording();
  const { promise, resolve } = Promise.withResolvers<void>();
  // The first position of an operation says that it has begun.
  const off = client.on('ping', () => resolve());
  recording.dispose = client.subscribe({ query, extensions }, recording.sink);
  await Promise.race([
    promise,
    waitFor(() => recording.results.length > 0 || recording.error !== undefined, { what: 'it is answered' }),
  ]);
  off();
  return recording;
}

/** A socket whose messages a test writes itself. */
export async function openSocket(
  at: TestGateway,
  secret: string | undefined,
  options: {
    readonly query?: string;
    readonly headers?: Record<string, string>;
    readonly protocol?: string;
  } = {},
): Promise<SocketClient> {
  const { query = '', headers = {}, protocol = GRAPHQL_SOCKET_PROTOCOL } = options;
  const socket = await at.socket(secret, `${GRAPHQL_PATHS.subscriptions}${query}`, { protocol, headers });
  onTestFinished(() => socket[Symbol.dispose]());
  return socket;
}

/** The same, acknowledged. */
export async function openKnown(at: TestGateway, secret: string): Promise<SocketClient> {
  const socket = await openSocket(at, secret);
  socket.send({ type: 'connection_init' });
  await socket.until('connection_ack');
  return socket;
}

/** The message that begins an operation. */
export const subscription = (id: string, query: string = WHOLE, extensions: object = {}): object => ({
  id,
  type: 'subscribe',
  payload: { query, extensions },
});

/** Sends it, and waits until the operation has begun: its position says so. */
export async function begin(
  socket: SocketClient,
  ...[id, query, extensions]: Parameters<typeof subscription>
): Promise<void> {
  const told = (): number => socket.of('ping').filter(({ payload }) => payload.id === id).length;
  const before = told();
  socket.send(subscription(id, query, extensions));
  await waitFor(() => told() > before, { what: `the operation ${id} begins` });
}
