import type { Interest } from '../expectation.ts';
import type { Schema } from '../rights.ts';
import { sortText, tableFilter } from '../table-face.ts';
import type { StreamRequest, Transport } from '../transport.ts';
import { followPolls, pollOf } from './long-poll.ts';

interface TableMessage {
  readonly eventId: string;
  readonly type: string;
}

/** `GET /api/realtime/poll` with a table: the changes of its records, one request after another. */
export const tablePoll: Transport = {
  name: 'table-poll',
  follows: ({ table, order }) => table !== undefined && order === undefined,
  open: (asked, listener) =>
    followPolls(asked, listener, {
      ask: pollOf(asked, queryOf(asked)),
      read: ({ messages = [] }) =>
        (messages as readonly TableMessage[]).map((message) => ({
          id: message.eventId,
          name: message.type,
          text: JSON.stringify(message),
        })),
    }),
};

function queryOf(asked: StreamRequest): (readonly [string, string])[] {
  return [['table', tableOf(asked.interest).table], ...tableQuery(asked.interest)];
}

/** What is asked of a table, as the query of a request. */
export function tableQuery({ table, filter, fields, order }: Interest): (readonly [string, string])[] {
  return [
    ...(table === undefined || filter.length === 0 ? [] : [['filter', tableFilter(table, filter)] as const]),
    ...(fields === undefined ? [] : [['fields', [...fields].join(',')] as const]),
    ...(order === undefined ? [] : [['sort', sortText(order)] as const]),
  ];
}

export function tableOf({ table }: Interest): Schema {
  if (table === undefined) throw new Error('a table is needed');
  return table;
}
