import type { StreamListener, Transport } from '../transport.ts';
import { openEvents } from './sse.ts';
import type { Block } from './sse.ts';
import { tableOf, tableQuery } from './table-poll.ts';

/** `GET /api/tables/{table}/subscribe/sse`: the messages of a socket, as Server-Sent Events. */
export const tableSse: Transport = {
  name: 'table-sse',
  follows: ({ table }) => table !== undefined,
  open: (asked, listener) => {
    const { table } = tableOf(asked.interest);
    return openEvents(asked, listener, {
      path: `/api/tables/${table}/subscribe/sse`,
      query: tableQuery(asked.interest),
      read: (block, reader) => readMessage(block, table, reader),
    });
  },
};

interface Message {
  readonly type: string;
  readonly eventId?: string;
  readonly subscriptionId?: string;
}

function readMessage({ id, data }: Block, table: string, listener: StreamListener): void {
  const { subscriptionId, ...message } = JSON.parse(data) as Message;
  // Under any other name than the table's it is not what the reader subscribed to, and is judged as it stands.
  const text = subscriptionId === table ? JSON.stringify(message) : data;
  switch (message.type) {
    case 'change':
      // The cursor is the event's id, which is said twice.
      listener.event({
        id: id === message.eventId ? (id ?? '') : `${id} ${message.eventId}`,
        name: 'change',
        text,
      });
      return;
    case 'heartbeat':
      if (id !== undefined) listener.position(id);
      return;
    case 'resync':
      listener.resync(data);
  }
}
