import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES, errorCodeRow } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { graphqlCloseCode } from './close-code.ts';

let server: WebSocketServer;
/** What the server closes sockets with, once they are acknowledged. */
let closing: { readonly code: number; readonly reason: string };
let acknowledged = 0;

beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: ([first]) => first ?? false });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.once('message', () => {
      acknowledged += 1;
      socket.send('{"type":"connection_ack"}');
      // The second time it stays open: the client has come back.
      if (acknowledged === 1) socket.once('message', () => socket.close(closing.code, closing.reason));
      else socket.once('message', () => socket.send(`{"id":"1","type":"complete"}`));
    });
  });
});

afterAll(() => {
  server.close();
});

/** Whether the official client comes back with its operation, or fails it. */
async function comesBack(code: ErrorCode): Promise<boolean> {
  acknowledged = 0;
  closing = { code: graphqlCloseCode(code), reason: code };
  const client = createClient({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webSocketImpl: WebSocket,
    retryWait: async () => undefined,
    generateID: () => '1',
  });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.subscribe(
    { query: '{ a }' },
    { next: () => undefined, error: () => resolve(false), complete: () => resolve(true) },
  );
  const result = await promise;
  await client.dispose();
  return result;
}

/** What ends a connection that has operations. */
const ENDS = [
  'CREDENTIAL_ENDED',
  'CONNECTION_ENDED',
  'BAD_REQUEST',
  'RATE_LIMITED',
  'TOO_MANY_CONNECTIONS',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
  'DRAINING',
  'CONNECTION_AGED',
  'RIGHTS_STALE',
] as const satisfies readonly ErrorCode[];

test.each(ENDS)('the client of graphql-ws does after %s what the contract advises', async (code) => {
  expect(await comesBack(code)).toBe(errorCodeRow(code).retry !== 'never');
});

test('every code that can close a socket is one that a server may send', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const close = graphqlCloseCode(code);
    expect([1001, 1013].includes(close) || (close >= 4000 && close < 5000), `${code}: ${close}`).toBe(true);
  }
});
