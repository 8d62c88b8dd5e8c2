import { Agent, get } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

/** The answer to one poll. */
export interface PollReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies of every shape
  readonly body: any;
}

/** A poll that is under way. */
export interface PendingPoll {
  readonly reply: Promise<PollReply>;
  /** Ends the connection, as a client that goes away does. */
  readonly abort: () => void;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1000 });

/** Sends one poll. The reply rejects when the connection breaks. */
export function startPoll(url: string, headers: Record<string, string> = {}): PendingPoll {
  const { promise, resolve, reject } = Promise.withResolvers<PollReply>();
  const request: ClientRequest = get(url, { agent, headers }, (response) => {
    text(response).then((body) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: body,
        body: body === '' ? undefined : JSON.parse(body),
      });
    }, reject);
  });
  request.on('error', reject);
  // A test that aborts a poll does not wait for it.
  promise.catch(() => undefined);
  return { reply: promise, abort: () => request.destroy() };
}

/** What one event is, in both shapes of answers. */
export function idsOf({ body }: PollReply): readonly string[] {
  const { events, messages } = body as {
    events?: readonly { id: string }[];
    messages?: readonly { eventId: string }[];
  };
  return events?.map(({ id }) => id) ?? messages?.map(({ eventId }) => eventId) ?? [];
}
