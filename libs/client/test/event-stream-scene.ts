import type { ServerResponse } from 'node:http';
import { waitFor } from '@tidewire/test-kit';
import { createEventStreamTransport } from '../src/transports/event-stream.ts';
import type { Handshake, TransportConnection } from '../src/transports/transport.ts';
import { OddServer } from './odd-server.ts';
import type { OddRequest, OddServerOptions } from './odd-server.ts';
import { createTestRuntime } from './test-runtime.ts';
import type { TestRuntime } from './test-runtime.ts';
import { TestOrder, Witness, toTable } from './witness.ts';

/** A connection to a server that begins streams. */
export interface Scene extends TestRuntime, AsyncDisposable {
  readonly server: OddServer;
  /** Responses that were begun as streams. */
  readonly streams: readonly ServerResponse[];
  readonly witness: Witness;
  readonly order: TestOrder;
  readonly connection: TransportConnection;
  /** The stream with that number, once it has begun. */
  stream(number?: number): Promise<ServerResponse>;
}

/** Opens a connection to a server that begins a stream for every request, unless `answer` says otherwise. */
export async function openScene(
  handshakes: readonly Handshake[] = [toTable('s1')],
  answer?: OddServerOptions['answer'],
  token: string | null = 'secret',
): Promise<Scene> {
  const streams: ServerResponse[] = [];
  const begin = (request: OddRequest, response: ServerResponse): void => {
    if (request.path !== '/api/realtime/subscribe') response.writeHead(204).end();
    else {
      streams.push(response);
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'tidewire-connection': `c${streams.length}`,
      });
      response.write(`: connection c${streams.length}\nretry: 3000\n\n`);
    }
  };
  const server = await OddServer.start({ answer: answer ?? begin });
  const time = createTestRuntime();
  const witness = new Witness();
  const order = new TestOrder(server.url, handshakes, token);
  const transport = createEventStreamTransport(time.runtime);
  if (transport === undefined) throw new Error('there are no streams');
  const connection = transport.open(order, witness);
  if (witness.told > 0) throw new Error('it tells something before it is there');
  return {
    ...time,
    server,
    streams,
    witness,
    order,
    connection,
    stream: async (number = 1) =>
      await waitFor(() => streams[number - 1], { what: `stream ${number} has begun` }),
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A message of one subscription. */
export const heartbeat = (subscriptionId: string, eventId: string): object => ({
  type: 'heartbeat',
  subscriptionId,
  eventId,
  timestamp: '2026-01-01T00:00:00.000Z',
});

/** Sends a message as the platform does. */
export const tell = (stream: ServerResponse, message: object): void =>
  void stream.write(`data: ${JSON.stringify(message)}\n\n`);

/** Ends a stream as the platform does. */
export const endWith = (stream: ServerResponse, code: string, reconnect: boolean): void =>
  void stream.end(`event: end\ndata: ${JSON.stringify({ code, reason: code, reconnect })}\n\n`);

/** What a request subscribes to. */
export const namesIn = ({ body }: OddRequest): readonly string[] =>
  (body as { subscriptions: Handshake[] }).subscriptions.map(({ subscriptionId }) => subscriptionId);
