import { waitFor } from '@tidewire/test-kit';
import { EventStream } from './transport-event-stream.ts';
import type { StreamBlock } from './transport-event-stream.ts';
import { COME_AGAIN, readRefusal } from './transport-refusal.ts';
import { Account, readCloudEvent, readTableChange, tableQuery, topicQuery } from './transport.ts';
import type { Follower, Order, Transport } from './transport.ts';

type Data = Readonly<Record<string, unknown>>;

interface SseKind {
  readonly name: string;
  readonly face: Transport['face'];
  readonly url: (order: Order) => string;
  /** Undefined: the cursor is in the address. */
  readonly cursorHeader: string | undefined;
  readonly take: (account: Account, block: StreamBlock, order: Order) => void;
  readonly begun: (account: Account) => boolean;
}

export const tableSse = sseTransport({
  name: 'a table over SSE',
  face: 'table',
  url: (order) => {
    const query = tableQuery(order);
    if (order.cursor !== undefined) query.set('lastEventId', order.cursor);
    return `${order.base}/api/tables/${order.place.table}/subscribe/sse?${query.toString()}`;
  },
  cursorHeader: undefined,
  take: takeMessage,
  begun: ({ subscribed }) => subscribed !== undefined,
});

export const topicSse = sseTransport({
  name: 'a topic over SSE',
  face: 'topic',
  url: (order) => `${order.base}/api/realtime/subscribe?${topicQuery(order).toString()}`,
  cursorHeader: 'last-event-id',
  take: takeEvent,
  begun: () => true,
});

function sseTransport(kind: SseKind): Transport {
  return {
    name: kind.name,
    face: kind.face,
    kind: 'stream',
    open: (order) => openStream(kind, order),
    host: undefined,
    talk: undefined,
    tellsOldValues: true,
    showsAllNames: false,
    tellsWhyToComeBack: true,
    closeCodeOf: undefined,
  };
}

async function openStream(kind: SseKind, order: Order): Promise<Follower> {
  const { base, token, cursor, check } = order;
  const account = new Account();
  const stream = await EventStream.open(kind.url(order), {
    accept: 'text/event-stream',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(kind.cursorHeader !== undefined && cursor !== undefined && { [kind.cursorHeader]: cursor }),
  });
  const connection = String(stream.headers['tidewire-connection'] ?? '');
  if (stream.status === 200 && connection === '') {
    // An EventSource would stay closed after anything else: an empty stream says "come again".
    account.refusal = { ...COME_AGAIN, message: await stream.text() };
  } else if (stream.status === 200) {
    let begun = false;
    stream.read((block) => {
      begun = true;
      if (block.id !== undefined) account.cursor = block.id;
      if (block.data === undefined) return;
      if (block.event === 'end') endOf(account, block.data, order);
      else kind.take(account, block, order);
    });
    await waitFor(() => begun && (kind.begun(account) || !account.live), {
      what: `${kind.name} begins`,
      timeoutMs: 10_000,
    });
  } else {
    const { 'retry-after': retryAfter } = stream.headers;
    account.refusal = readRefusal(check, stream.status, await stream.text(), retryAfter);
  }
  return {
    account,
    connection,
    renew: (credential) => renewStream(base, connection, credential),
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

/** Gives a stream, which cannot be sent anything, another credential. */
export async function renewStream(base: string, connection: string, token: string): Promise<void> {
  const answer = await fetch(`${base}/api/realtime/connections/${connection}/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  if (answer.status !== 204) throw new Error(`the renewal was answered ${answer.status}`);
}

function endOf(account: Account, data: string, { check }: Order): void {
  const end = JSON.parse(data) as { readonly code: string; readonly reconnect: boolean };
  check.document('stream-end', end);
  account.end = { code: end.code, reconnect: end.reconnect };
}

/** A table: the messages of a socket, each with its cursor as the id. */
function takeMessage(account: Account, { id, event, data = '' }: StreamBlock, { check }: Order): void {
  const message = JSON.parse(data) as Data & { readonly type: string };
  check.fromServer(message);
  if (event !== 'message') check.faults.push(`a message of a table has the name ${event}`);
  const place = message['eventId'] ?? message['current'];
  if (id !== undefined && id !== place) check.faults.push(`the id ${id} is not that of ${data}`);
  switch (message.type) {
    case 'subscribed':
      account.subscribed = message;
      return;
    case 'change':
      account.changes.push(readTableChange(message));
      return;
    case 'resync':
      account.resyncs.push(readResync(message));
      return;
    case 'credential-expiring':
      account.expiring.push(String(message['expiresAt']));
      return;
    case 'connection-status':
      account.statuses.push(String(message['status']));
      return;
    case 'heartbeat':
      return;
    default:
      check.faults.push(`${message.type} is not for a table's stream`);
  }
}

/** A topic: CloudEvents by name, and control by name. */
function takeEvent(account: Account, { id, event, data = '' }: StreamBlock, { check }: Order): void {
  const document = JSON.parse(data) as Data;
  switch (event) {
    case 'resync':
      check.document('resync', document);
      account.resyncs.push(readResync(document));
      return;
    case 'credential-expiring':
      check.document('credential-expiring', document);
      account.expiring.push(String(document['expiresAt']));
      return;
    default:
      check.document('cloud-event', document);
      if (id !== document['id']) check.faults.push(`the id ${id ?? ''} is not that of ${data}`);
      if (!String(document['type']).endsWith(`.${event}`))
        check.faults.push(`${event} is not that of ${data}`);
      account.changes.push(readCloudEvent(document));
  }
}

function readResync(data: Data): Account['resyncs'][number] {
  return { reason: String(data['reason']), current: String(data['current']) };
}
