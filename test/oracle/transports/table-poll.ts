import { tableFilter } from '../table-face.ts';
import type { StreamRequest, Transport } from '../transport.ts';
import { followPolls } from './long-poll.ts';

interface TableMessage {
  readonly eventId: string;
  readonly type: string;
}

/** `GET /api/realtime/poll` with a table: the changes of its records, one request after another. */
export const tablePoll: Transport = {
  name: 'table-poll',
  face: 'table',
  open: (asked, listener) =>
    followPolls(asked, listener, {
      query: queryOf(asked),
      read: ({ messages = [] }) =>
        (messages as readonly TableMessage[]).map((message) => ({
          id: message.eventId,
          name: message.type,
          text: JSON.stringify(message),
        })),
    }),
};

function queryOf({ interest: { table, filter, fields } }: StreamRequest): (readonly [string, string])[] {
  if (table === undefined) throw new Error('a table is needed');
  return [
    ['table', table.table],
    ...(filter.length === 0 ? [] : [['filter', tableFilter(table, filter)] as const]),
    ...(fields === undefined ? [] : [['fields', [...fields].join(',')] as const]),
  ];
}
