import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { filterQuery } from '../filter.ts';
import type { StreamListener, StreamRequest, Transport } from '../transport.ts';

/** `GET /api/realtime/subscribe`, read by hand: what came is to be seen as it came. */
export const sse: Transport = {
  name: 'sse',
  follows: ({ table, alternatives }) => table === undefined && alternatives === undefined,
  open: (asked, listener) =>
    openEvents(asked, listener, {
      path: '/api/realtime/subscribe',
      query: queryOf(asked),
      read: readNamed,
    }),
};

/** What a stream is opened with besides its cursor, and what is made of a block of it that has data. */
export interface EventStream {
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Sent instead of an address alone, with the cursor where that is not in a header. */
  readonly body?: object;
  /** `begun`: whether the stream has begun, or was refused. */
  readonly read: (block: Block, listener: StreamListener, begun: boolean) => void;
  /** Told of lines that most clients pass over. */
  readonly comment?: (text: string) => void;
}

/** One block of an event stream: what stands there, not what it means. */
export interface Block {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: string;
}

/** Opens a stream of Server-Sent Events. Returns how to close. */
export function openEvents(
  asked: Omit<StreamRequest, 'interest'>,
  listener: StreamListener,
  { path, query, body, read, comment }: EventStream,
): () => void {
  const url = new URL(path, asked.base);
  for (const [name, value] of query) url.searchParams.append(name, value);
  const { cursor, cursorInHeader } = asked;
  if (cursor !== undefined && !cursorInHeader && body === undefined) {
    url.searchParams.set('lastEventId', cursor);
  }
  let open = true;
  const once = (report: () => void): void => {
    if (!open) return;
    open = false;
    report();
  };
  const guarded: StreamListener = {
    ...listener,
    refused: (status, text) => once(() => listener.refused(status, text)),
  };
  const sent = request(url, {
    agent: false,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'text/event-stream',
      ...asked.ticket.headers,
      ...(cursor !== undefined && cursorInHeader ? { 'last-event-id': cursor } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  sent.on('error', () => once(listener.closed));
  sent.on('response', (response) => {
    response.on('error', () => once(listener.closed));
    response.on('close', () => once(listener.closed));
    response.setEncoding('utf8');
    if (response.statusCode === 200) readFrames(response, guarded, { isOpen: () => open, read, comment });
    else readRefusal(response, (text) => guarded.refused(response.statusCode ?? 0, text));
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return () => {
    open = false;
    sent.destroy();
  };
}

/** Topics, filter and fields as the query of a stream or a poll. */
export function queryOf({ interest }: StreamRequest): (readonly [string, string])[] {
  return [
    ...interest.topics.map((topic) => ['topic', topic] as const),
    ...filterQuery(interest.filter),
    ...(interest.fields === undefined ? [] : [['_fields', [...interest.fields].join(',')] as const]),
    ...(interest.events === undefined ? [] : [['events', [...interest.events].join(',')] as const]),
  ];
}

function readRefusal(response: IncomingMessage, done: (body: string) => void): void {
  let body = '';
  response.on('data', (text: string) => {
    body += text;
  });
  response.on('end', () => done(body));
}

interface Reading extends Pick<EventStream, 'read'> {
  readonly comment: EventStream['comment'] | undefined;
  readonly isOpen: () => boolean;
}

function readFrames(response: IncomingMessage, listener: StreamListener, reading: Reading): void {
  let rest = '';
  let begun = false;
  response.on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (!reading.isOpen()) return;
      if (!begun && block.includes(': connection ')) {
        begun = true;
        listener.opened();
      }
      readFrame(block, listener, { ...reading, begun });
    }
  });
}

function readFrame(
  block: string,
  listener: StreamListener,
  { read, comment, begun }: Omit<Reading, 'isOpen'> & { readonly begun: boolean },
): void {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
    else if (at === 0) comment?.(line.slice(2));
  }
  const id = fields.get('id');
  const data = fields.get('data');
  const name = fields.get('event');
  if (data === undefined) {
    if (id !== undefined) listener.position(id);
  } else if (name === 'end') listener.ended(data);
  else read({ id, name, data }, listener, begun);
}

function readNamed({ id, name, data }: Block, listener: StreamListener): void {
  if (name === 'resync') listener.resync(data);
  else if (name !== 'credential-expiring') {
    listener.event({ id: id ?? '', name: name ?? 'message', text: data });
  }
}
