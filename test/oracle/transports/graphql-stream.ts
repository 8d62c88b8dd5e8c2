import type { StreamListener } from '../transport.ts';
import type { LinkListener, LinkOptions, OpenLink } from './graphql-link.ts';
import { openEvents } from './sse.ts';
import type { Block } from './sse.ts';

const PATH = '/api/graphql/stream';
const TOKEN_HEADER = 'x-graphql-event-stream-token';
const POSITION = /^position (\S+) (".*")$/;

/** One stream of Server-Sent Events whose operations are sent in requests of their own, to this gateway or another. */
export const openGraphqlStream: OpenLink = (options, listener) => {
  const stream = new OperationStream(options, listener);
  void stream.open();
  return {
    subscribe: (id, operation) => stream.subscribe(id, operation),
    complete: (id) => stream.complete(id),
    cut: () => stream.cut(),
  };
};

class OperationStream {
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  #over = false;
  #token = '';
  #close: () => void = () => undefined;
  #requests = 0;
  /** Operations whose requests are not answered: their end has to come later, wherever it goes. */
  readonly #asked = new Map<string, Promise<void>>();

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  async open(): Promise<void> {
    const { elsewhere, base, ticket, way } = this.#options;
    const reserved = await this.#send(way % 2 === 0 ? elsewhere : base, 'PUT', {});
    if (this.#over) return;
    if (reserved === undefined) this.#end(() => this.#listener.closed(''));
    else if (reserved.status !== 201) {
      this.#end(() => this.#listener.refused(reserved.status, reserved.body));
    } else {
      this.#token = reserved.body;
      const inAddress = way % 3 === 0 && Object.keys(ticket.headers).length > 0;
      const headers = { ...ticket.headers, ...(inAddress ? {} : { [TOKEN_HEADER]: this.#token }) };
      this.#close = openEvents(
        { base, ticket: { ...ticket, headers }, cursor: undefined, cursorInHeader: false },
        this.#reader(),
        {
          path: PATH,
          query: inAddress ? [['token', this.#token]] : [],
          read: (block) => this.#read(block),
          comment: (text) => this.#comment(text),
        },
      );
    }
  }

  subscribe(id: string, operation: object): void {
    this.#asked.set(id, this.#subscribe(id, operation));
  }

  async #subscribe(id: string, operation: object): Promise<void> {
    const { extensions = {} } = operation as { readonly extensions?: object };
    const body = { ...operation, extensions: { ...extensions, operationId: id } };
    const answer = await this.#send(this.#anywhere(), 'POST', { body });
    if (this.#over || answer?.status === 202) return;
    // It may have been taken: only the end of the stream says that it was not.
    if (answer === undefined || answer.status >= 500) this.cut();
    else this.#listener.failed(id, answer.status, answer.body);
  }

  async complete(id: string): Promise<void> {
    await this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#over) return;
    const answer = await this.#send(this.#anywhere(), 'DELETE', { operationId: id });
    // The credential may have ended, and the stream with it.
    if (this.#over || (answer !== undefined && [200, 401, 404].includes(answer.status))) return;
    if (answer === undefined || answer.status >= 500 || answer.status === 429) this.cut();
    else this.#listener.broken('may not end an operation', answer);
  }

  cut(): void {
    this.#end(() => this.#listener.closed(''));
    this.#close();
  }

  #anywhere(): string {
    this.#requests += 1;
    return this.#requests % 2 === 0 ? this.#options.base : this.#options.elsewhere;
  }

  #end(report: () => void): void {
    if (this.#over) return;
    this.#over = true;
    report();
  }

  async #send(base: string, method: string, request: Request): Promise<Answered | undefined> {
    const url = new URL(PATH, base);
    if (request.operationId !== undefined) url.searchParams.set('operationId', request.operationId);
    const { headers } = this.#options.ticket;
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          ...headers,
          ...(this.#token === '' ? {} : { [TOKEN_HEADER]: this.#token }),
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      });
      return { status: answer.status, body: await answer.text() };
    } catch {
      return undefined;
    }
  }

  /** The stream itself says only that it is there, and that it is not. */
  #reader(): StreamListener {
    const never = (): void => undefined;
    return {
      opened: () => this.#listener.opened(),
      closed: () => this.#end(() => this.#listener.closed('')),
      refused: (status, body) => this.#end(() => this.#listener.refused(status, body)),
      event: (event) => this.#listener.broken('was told an event of no operation', event),
      resync: (text) => this.#listener.broken('was told to fetch again, and no operation', { text }),
      position: (id) => this.#listener.broken('has a position', { id }),
      again: never,
      answered: never,
      ended: (text) => this.#listener.broken('was told an end in other words', { text }),
      renewed: never,
      released: never,
    };
  }

  #read({ id: cursor, name, data }: Block): void {
    if (this.#over) return;
    const { id, payload } = JSON.parse(data) as { readonly id: string; readonly payload?: unknown };
    const isKnown = (name === 'next' || name === 'complete') && cursor === undefined;
    if (isKnown) this.#listener.message({ type: name, id, payload });
    else this.#listener.broken('was told what is no message', { cursor, name, data });
  }

  #comment(text: string): void {
    const [, eventId, name] = POSITION.exec(text) ?? [];
    if (this.#over || eventId === undefined || name === undefined) return;
    this.#listener.message({ type: 'position', id: JSON.parse(name) as string, eventId });
  }
}

interface Request {
  readonly body?: object;
  readonly operationId?: string;
}

interface Answered {
  readonly status: number;
  readonly body: string;
}
