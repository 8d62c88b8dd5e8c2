/** A message as it came from the server. */
export interface NatsSocketMessage {
  readonly subject: string;
  /** Where an answer is expected; empty: nowhere. */
  readonly reply: string;
  /** By their names as they were sent; `Status` is what the server itself says, such as 503 for nobody there. */
  readonly headers: ReadonlyMap<string, string>;
  readonly data: string;
}

/** What a server sends. */
export type NatsWireEvent =
  | { readonly kind: 'info'; readonly info: Readonly<Record<string, unknown>> }
  | { readonly kind: 'ping' | 'pong' | 'other' }
  | { readonly kind: 'refusal'; readonly reason: string }
  | { readonly kind: 'message'; readonly subscription: string; readonly message: NatsSocketMessage };

const LINE_END = '\r\n';

/** Reads what a server of NATS sends, in pieces of any size. */
export class NatsWireReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Everything that is complete with this piece. */
  read(piece: Buffer): NatsWireEvent[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const events: NatsWireEvent[] = [];
    for (let event = this.#take(); event !== undefined; event = this.#take()) events.push(event);
    return events;
  }

  #take(): NatsWireEvent | undefined {
    const end = this.#rest.indexOf(LINE_END);
    if (end < 0) return undefined;
    const line = this.#rest.subarray(0, end).toString();
    const [verb = '', ...words] = line.split(' ').filter((word) => word !== '');
    if (verb === 'MSG' || verb === 'HMSG') return this.#takeMessage(verb === 'HMSG', words, end + 2);
    this.#rest = this.#rest.subarray(end + 2);
    if (verb === 'INFO') return { kind: 'info', info: JSON.parse(line.slice(5)) as Record<string, unknown> };
    if (verb === 'PING') return { kind: 'ping' };
    if (verb === 'PONG') return { kind: 'pong' };
    if (verb === '-ERR') return { kind: 'refusal', reason: line.slice(5).replaceAll("'", '') };
    return { kind: 'other' };
  }

  #takeMessage(withHeaders: boolean, words: string[], begin: number): NatsWireEvent | undefined {
    const total = Number(words.pop());
    const headerBytes = withHeaders ? Number(words.pop()) : 0;
    if (this.#rest.length < begin + total + 2) return undefined;
    const body = this.#rest.subarray(begin, begin + total);
    this.#rest = this.#rest.subarray(begin + total + 2);
    const [subject = '', subscription = '', reply = ''] = words;
    const headers = parseHeaders(body.subarray(0, headerBytes).toString());
    const message = { subject, reply, headers, data: body.subarray(headerBytes).toString() };
    return { kind: 'message', subscription, message };
  }
}

function parseHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  const [first = '', ...lines] = text.split(LINE_END);
  const status = first.slice('NATS/1.0'.length).trim();
  if (status !== '') headers.set('Status', status);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
