import { errorCodeRow } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';
import { SocketClient } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { bearerToken } from '../tickets.ts';
import type { Ticket } from '../tickets.ts';
import type { LinkListener, LinkOptions, OpenLink } from './graphql-link.ts';

const PATH = '/api/graphql/subscriptions';
const PROTOCOL = 'graphql-transport-ws';

/** One WebSocket of graphql-ws. */
export const openGraphqlSocket: OpenLink = (options, listener) => {
  const state: SocketState = { client: undefined, over: false };
  void open(options, listener, state);
  const send = (message: object): void => {
    if (state.client?.socket.readyState === 1) state.client.send(message);
  };
  return {
    subscribe: (id, payload) => send({ id, type: 'subscribe', payload }),
    complete: async (id) => send({ id, type: 'complete' }),
    cut: () => {
      end(state, () => listener.closed(''));
      state.client?.socket.terminate();
    },
  };
};

interface SocketState {
  client: SocketClient | undefined;
  over: boolean;
}

function end(state: SocketState, report: () => void): void {
  if (state.over) return;
  state.over = true;
  report();
}

/** The credential goes with the request, or with the first message, where that can be. */
function credentialOf({ headers }: Ticket, way: number): Pick<SocketOpening, 'headers' | 'payload'> {
  const token = headers['authorization'] === undefined ? undefined : bearerToken({ headers } as Ticket);
  if (token === undefined || way % 3 === 0) return { headers, payload: {} };
  const payload = way % 3 === 1 ? { token } : { Authorization: `Bearer ${token}`, other: 1 };
  return { headers: {}, payload: { payload } };
}

interface SocketOpening {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: object;
}

async function open(options: LinkOptions, listener: LinkListener, state: SocketState): Promise<void> {
  const { base, ticket, way, cursor } = options;
  const { headers, payload } = credentialOf(ticket, way);
  const url = new URL(PATH, base);
  if (cursor !== undefined) url.searchParams.set('lastEventId', cursor);
  let client: SocketClient;
  try {
    client = await SocketClient.open(url.href, { headers, protocol: PROTOCOL });
  } catch {
    end(state, () => listener.closed(''));
    return;
  }
  if (client.status !== 101) {
    end(state, () => listener.refused(client.status, client.body));
    return;
  }
  state.client = client;
  if (state.over) {
    client.socket.terminate();
    return;
  }
  let known = false;
  const read = (): void => {
    for (const message of client.messages.splice(0)) {
      if (state.over) return;
      if (message.type === 'connection_ack') known = true;
      take(client, message, listener);
    }
  };
  client.socket.on('message', read);
  const close = (reason: string): void => end(state, () => closed(listener, reason, known));
  client.socket.on('close', () => close(client.closed?.reason ?? ''));
  client.send({ type: 'connection_init', ...payload });
  read();
  if (client.closed !== undefined) close(client.closed.reason);
}

/** Who was not let in is told by a reason that is the code of a refusal. */
function closed(listener: LinkListener, reason: string, known: boolean): void {
  const row = errorCodeRow(reason as ErrorCode);
  if (reason !== '' && row === undefined) listener.broken('was closed', { reason });
  if (known || row === undefined) listener.closed(reason);
  else listener.refused(row.status, reason);
}

function take(client: SocketClient, message: SocketMessage, listener: LinkListener): void {
  const { type, id, payload } = message as SocketMessage & {
    readonly id: string;
    readonly payload?: { readonly id: string; readonly eventId: string };
  };
  switch (type) {
    case 'connection_ack':
      listener.opened();
      return;
    case 'ping':
      client.send({ type: 'pong' });
      if (payload !== undefined) listener.message({ type: 'position', ...payload });
      return;
    case 'next':
    case 'error':
    case 'complete':
      listener.message({ type, id, payload });
      return;
    default:
      listener.broken('was told what is no message', message);
  }
}
