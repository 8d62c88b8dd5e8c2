import { request as send } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { waitFor } from '@tidewire/test-kit';

/** One dispatched event of a stream, as an EventSource would see it. */
export interface ReceivedEvent {
  readonly id: string;
  readonly event: string;
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into payloads of every shape
  readonly data: any;
}

/** A client of one stream that keeps everything it is sent. */
export class SseClient implements Disposable {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  /** Everything that came, for looking for what must not. */
  text = '';
  retryMs: number | undefined;
  lastEventId = '';
  /** `end`: the answer was complete; `reset`: the connection was cut. */
  closed: 'end' | 'reset' | undefined;
  readonly #response: IncomingMessage;
  #rest = '';
  #id = '';

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#take(chunk));
    response.on('end', () => (this.closed ??= 'end'));
    response.on('error', () => (this.closed ??= 'reset'));
    response.on('close', () => (this.closed ??= 'reset'));
  }

  /** Resolves with the head of the answer. With a body, as JSON or as text that stands for it, the request is a POST. */
  static async open(url: string, headers: Record<string, string> = {}, body?: unknown): Promise<SseClient> {
    const { promise, resolve, reject } = Promise.withResolvers<SseClient>();
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = send(
      url,
      {
        agent: false,
        method: body === undefined ? 'GET' : 'POST',
        headers: { accept: 'text/event-stream', ...type, ...headers },
      },
      (response) => resolve(new SseClient(response)),
    );
    request.on('error', reject);
    request.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
    return await promise;
  }

  /** Data events without heartbeats, optionally of one name. */
  named(name: string): readonly ReceivedEvent[] {
    return this.events.filter(({ event }) => event === name);
  }

  /** Waits until the stream has brought so many events. */
  async until(count: number, what = `${count} events arrive`): Promise<readonly ReceivedEvent[]> {
    await waitFor(() => this.events.length >= count, { what, timeoutMs: 10_000 });
    return this.events;
  }

  /** Waits for an event of a name and returns it. */
  async untilNamed(name: string): Promise<ReceivedEvent> {
    return await waitFor(() => this.named(name)[0], { what: `the event ${name} arrives`, timeoutMs: 10_000 });
  }

  /** The messages of a type so far, where events have no name. */
  ofType(type: string): readonly ReceivedEvent['data'][] {
    return this.named('message').flatMap(({ data }) => (data.type === type ? [data] : []));
  }

  /** Waits for so many messages of a type and returns them. */
  async untilType(type: string, count = 1): Promise<readonly ReceivedEvent['data'][]> {
    await waitFor(() => this.ofType(type).length >= count, {
      what: `${count} messages of type ${type} arrive`,
      timeoutMs: 10_000,
    });
    return this.ofType(type);
  }

  async untilClosed(): Promise<'end' | 'reset'> {
    return await waitFor(() => this.closed, { what: 'the stream is closed', timeoutMs: 10_000 });
  }

  /** Stops reading, so that the socket fills up. */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  /** The whole body as JSON, for answers that are no stream. */
  // eslint-disable-next-line typescript/no-explicit-any -- as above
  async json(): Promise<any> {
    await this.untilClosed();
    return JSON.parse(this.text);
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }

  #take(chunk: string): void {
    this.text += chunk;
    this.#rest += chunk;
    for (let end = this.#rest.indexOf('\n\n'); end >= 0; end = this.#rest.indexOf('\n\n')) {
      this.#dispatch(this.#rest.slice(0, end).split('\n'));
      this.#rest = this.#rest.slice(end + 2);
    }
  }

  #dispatch(lines: readonly string[]): void {
    let event = 'message';
    const data: string[] = [];
    for (const line of lines) {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^ /, '');
      if (field === '') this.comments.push(value);
      else if (field === 'id') this.#id = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (field === 'retry') this.retryMs = Number(value);
    }
    this.lastEventId = this.#id;
    const text = data.join('\n');
    // `complete` of GraphQL has a data field that is empty.
    if (data.length > 0) this.events.push({ id: this.#id, event, data: text === '' ? '' : JSON.parse(text) });
  }
}
