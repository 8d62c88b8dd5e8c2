import type { ReceivedEvent, StreamListener, StreamRequest, Transport } from '../transport.ts';
import { queryOf } from './sse.ts';

/** An answer; `events` or `messages` by what was asked for. */
export interface PollAnswer {
  readonly events?: readonly unknown[];
  readonly messages?: readonly unknown[];
  readonly lastEventId: string;
  readonly resync?: unknown;
}

/** What a poll asks for besides its cursor, and how its answer is read. */
interface Polling {
  readonly read: (answer: PollAnswer) => readonly ReceivedEvent[];
  /** Undefined: there was no answer. */
  readonly ask: (
    cursor: string | undefined,
    signal: AbortSignal,
  ) => Promise<PollAnswer | Refused | undefined>;
  /** How long to wait before it is asked again; absent: the server waits. */
  readonly everyMs?: number;
}

/** Short, because a quiet point waits for the next position of everybody. */
const WAIT_MS = 120;
/** So few that one answer is now and then not enough. */
const MOST_EVENTS = 5;

interface PolledEvent {
  readonly id: string;
  readonly type: string;
}

/** `GET /api/realtime/poll` with topics, one request after another: each begins at the cursor of the one before. */
export const longPoll: Transport = {
  name: 'long-poll',
  follows: ({ table, alternatives }) => table === undefined && alternatives === undefined,
  open: (asked, listener) =>
    followPolls(asked, listener, {
      ask: pollOf(asked, queryOf(asked)),
      read: ({ events = [] }) =>
        (events as readonly PolledEvent[]).map((event) => ({
          id: event.id,
          name: event.type.split('.').slice(-2).join('.'),
          text: JSON.stringify(event),
        })),
    }),
};

/** Polls until it is closed. Returns how to close. */
export function followPolls(asked: StreamRequest, listener: StreamListener, polling: Polling): () => void {
  const stop = new AbortController();
  void follow(asked, listener, { ...polling, signal: stop.signal });
  return () => stop.abort();
}

interface Following extends Polling {
  readonly signal: AbortSignal;
}

async function follow(asked: StreamRequest, listener: StreamListener, following: Following): Promise<void> {
  const { signal, read, ask, everyMs } = following;
  let { cursor } = asked;
  for (let turn = 0; !signal.aborted; turn += 1) {
    if (turn > 0) listener.again();
    const answer = await ask(cursor, signal);
    if (signal.aborted) return;
    if (answer === undefined) {
      listener.closed();
      return;
    }
    if ('refused' in answer) {
      listener.refused(answer.refused, answer.body);
      return;
    }
    listener.opened();
    for (const event of read(answer)) listener.event(event);
    if (answer.resync !== undefined) listener.resync(JSON.stringify(answer.resync));
    listener.position(answer.lastEventId);
    listener.answered();
    cursor = answer.lastEventId;
    if (everyMs === undefined) continue;
    await new Promise((wake) => {
      setTimeout(wake, everyMs);
    });
  }
}

export type Refused = { readonly refused: number; readonly body: string };

/** How `GET /api/realtime/poll` is asked. */
export function pollOf(asked: StreamRequest, query: readonly (readonly [string, string])[]): Polling['ask'] {
  return (cursor, signal) => poll({ ...asked, cursor }, query, signal);
}

async function poll(
  { cursor, ...asked }: StreamRequest,
  query: readonly (readonly [string, string])[],
  signal: AbortSignal,
): Promise<PollAnswer | Refused | undefined> {
  const url = new URL('/api/realtime/poll', asked.base);
  for (const [name, value] of query) url.searchParams.append(name, value);
  url.searchParams.set('timeoutMs', String(WAIT_MS));
  url.searchParams.set('limit', String(MOST_EVENTS));
  if (cursor !== undefined && !asked.cursorInHeader) url.searchParams.set('lastEventId', cursor);
  const headers: Record<string, string> = {
    ...asked.ticket.headers,
    ...(cursor !== undefined && asked.cursorInHeader ? { 'last-event-id': cursor } : {}),
  };
  try {
    const answer = await fetch(url, { headers, signal });
    const body = await answer.text();
    return answer.status === 200 ? (JSON.parse(body) as PollAnswer) : { refused: answer.status, body };
  } catch {
    return undefined;
  }
}
