import type { StreamListener, StreamRequest, Transport } from '../transport.ts';
import { queryOf } from './sse.ts';

interface PollAnswer {
  readonly events: readonly { readonly id: string; readonly type: string }[];
  readonly lastEventId: string;
  readonly resync?: unknown;
}

/** Short, because a quiet point waits for the next position of everybody. */
const WAIT_MS = 250;
/** So few that one answer is now and then not enough. */
const MOST_EVENTS = 5;

/** `GET /api/realtime/poll` with topics, one request after another: each begins at the cursor of the one before. */
export const longPoll: Transport = {
  name: 'long-poll',
  open: (asked, listener) => {
    const stop = new AbortController();
    void follow(asked, listener, stop.signal);
    return () => stop.abort();
  },
};

async function follow(asked: StreamRequest, listener: StreamListener, signal: AbortSignal): Promise<void> {
  let { cursor } = asked;
  for (let turn = 0; !signal.aborted; turn += 1) {
    if (turn > 0) listener.again();
    const answer = await ask(asked, cursor, signal);
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
    for (const event of answer.events) {
      const name = event.type.split('.').slice(-2).join('.');
      listener.event({ id: event.id, name, text: JSON.stringify(event) });
    }
    if (answer.resync !== undefined) listener.resync(JSON.stringify(answer.resync));
    listener.position(answer.lastEventId);
    cursor = answer.lastEventId;
  }
}

type Refused = { readonly refused: number; readonly body: string };

async function ask(
  asked: StreamRequest,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<PollAnswer | Refused | undefined> {
  const url = new URL('/api/realtime/poll', asked.base);
  for (const [name, value] of queryOf(asked)) url.searchParams.append(name, value);
  url.searchParams.set('timeoutMs', String(WAIT_MS));
  url.searchParams.set('limit', String(MOST_EVENTS));
  if (cursor !== undefined && !asked.cursorInHeader) url.searchParams.set('lastEventId', cursor);
  const headers: Record<string, string> = {
    ...(asked.token === null ? {} : { authorization: `Bearer ${asked.token}` }),
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
