import { request as send } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** One block of a stream: what stands between two empty lines. */
export interface StreamBlock {
  readonly id: string | undefined;
  readonly event: string;
  /** Undefined: nothing is dispatched. */
  readonly data: string | undefined;
  /** What is said beside the protocol. */
  readonly comments: readonly string[];
}

/** Server-Sent Events as they came, ids without data included, which an EventSource keeps to itself. */
export class EventStream implements Disposable {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    // A connection that is cut is an end like any other here.
    response.on('error', () => undefined);
  }

  /**
   * Resolves with the head of the answer; nothing is read before {@link read} or {@link text}. With a body, which is JSON,
   * the request is a POST.
   */
  static async open(
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<EventStream> {
    const { promise, resolve, reject } = Promise.withResolvers<EventStream>();
    const sent =
      body === undefined
        ? { method: 'GET', headers }
        : { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
    const request = send(url, { agent: false, ...sent }, (response) =>
      resolve(new EventStream(request, response)),
    );
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
    return await promise;
  }

  /** Calls `take` with every block from here on, and `ended` when the answer is over, which a cut is not. */
  read(take: (block: StreamBlock) => void, ended: () => void = () => undefined): void {
    this.#response.on('end', ended);
    let rest = '';
    this.#response.on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(readBlock(block));
    });
  }

  /** The whole answer, where it is no stream. */
  async text(): Promise<string> {
    let text = '';
    for await (const part of this.#response) text += String(part);
    return text;
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}

function readBlock(block: string): StreamBlock {
  const fields = new Map<string, string>();
  const comments: string[] = [];
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at === 0) comments.push(line.slice(2));
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
  }
  return {
    id: fields.get('id'),
    event: fields.get('event') ?? 'message',
    data: fields.get('data'),
    comments,
  };
}
