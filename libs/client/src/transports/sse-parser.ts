import { unusableAnswer } from '../http/http.ts';

/** What a stream of Server-Sent Events brings. */
export interface SseHandler {
  /** `event` is `message` where the stream named none. */
  event(event: string, data: string): void;
  /** A line that says nothing: the stream is alive. */
  comment(): void;
  /** How long to wait before coming back. Milliseconds. */
  retry(ms: number): void;
}

/** The longest event, and the longest line: beyond any record with what it was before. Characters. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Reads a stream of Server-Sent Events (WHATWG HTML 9.2.6) from bytes that are cut anywhere. `id:` is not looked at. An event
 * that the stream breaks off in is not told of.
 */
export class SseParser {
  readonly #handler: SseHandler;
  readonly #maxLength: number;
  /** Drops the mark that a stream of UTF-8 may begin with. */
  readonly #decoder = new TextDecoder();
  /** The line so far. */
  #line = '';
  /** The last character was a CR: an LF that follows belongs to it. */
  #afterCr = false;
  #event = '';
  #data: string | undefined;

  constructor(handler: SseHandler, maxLength = MAX_LENGTH) {
    this.#handler = handler;
    this.#maxLength = maxLength;
  }

  /** @throws ClientError UNUSABLE_ANSWER for a line or an event that is too long. */
  feed(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    let start = this.#afterCr && text.startsWith('\n') ? 1 : 0;
    this.#afterCr = text.endsWith('\r');
    const lineEnd = /\r\n?|\n/g;
    lineEnd.lastIndex = start;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      const line = this.#line + text.slice(start, end.index);
      this.#line = '';
      start = lineEnd.lastIndex;
      this.#bound(line);
      this.#read(line);
    }
    this.#line += text.slice(start);
    this.#bound(this.#line);
  }

  #bound(line: string): void {
    if (line.length + (this.#data?.length ?? 0) > this.#maxLength) {
      throw unusableAnswer(`An event is longer than ${this.#maxLength} characters`);
    }
  }

  #read(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (name === 'event') this.#event = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.#handler.retry(Number(value));
    else if (name === '') this.#handler.comment();
  }

  #dispatch(): void {
    const event = this.#event === '' ? 'message' : this.#event;
    const data = this.#data;
    this.#event = '';
    this.#data = undefined;
    if (data !== undefined) this.#handler.event(event, data);
  }
}
