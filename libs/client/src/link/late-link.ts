import { Listeners } from '../listeners.ts';
import type { EditSink, Link, LinkStatus, PresenceSink, SubscriptionSink, SubscriptionWish } from './link.ts';

const UNDECIDED: LinkStatus = {
  state: 'connecting',
  transport: null,
  exhausted: false,
  retryAt: null,
  error: null,
};
const IDLE: LinkStatus = { ...UNDECIDED, state: 'idle' };
const CLOSED: LinkStatus = { ...UNDECIDED, state: 'closed' };

/**
 * A link that is made when it is first needed, by something that takes its time: what is asked of it before is done then.
 * `make` may not fail; it is told by the signal that nobody waits any more.
 */
export class LateLink implements Link {
  readonly #make: (signal: AbortSignal) => Promise<Link>;
  readonly #abort = new AbortController();
  readonly #listeners = new Listeners();
  /** What was asked for and not taken back, in order. */
  readonly #waiting = new Set<(link: Link) => void>();
  #link: Link | undefined;
  #status = IDLE;

  constructor(make: (signal: AbortSignal) => Promise<Link>) {
    this.#make = make;
  }

  get status(): LinkStatus {
    return this.#link?.status ?? this.#status;
  }

  watch(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  subscribe(wish: SubscriptionWish, sink: SubscriptionSink): () => void {
    return this.#later((link) => link.subscribe(wish, sink));
  }

  join(pagePath: string, sink: PresenceSink): () => void {
    return this.#later((link) => link.join(pagePath, sink));
  }

  edit(what: Parameters<Link['edit']>[0], sink: EditSink): () => void {
    return this.#later((link) => link.edit(what, sink));
  }

  reconnect(): void {
    this.#link?.reconnect();
  }

  close(): void {
    this.#waiting.clear();
    this.#abort.abort();
    this.#link?.close();
    if (this.#link === undefined) this.#become(CLOSED);
  }

  #later(ask: (link: Link) => () => void): () => void {
    if (this.#link !== undefined) return ask(this.#link);
    let stop: (() => void) | undefined;
    const waiting = (link: Link): void => {
      stop = ask(link);
    };
    this.#waiting.add(waiting);
    if (this.#status === IDLE) void this.#begin();
    return () => {
      this.#waiting.delete(waiting);
      stop?.();
      stop = undefined;
    };
  }

  async #begin(): Promise<void> {
    this.#become(UNDECIDED);
    const link = await this.#make(this.#abort.signal);
    if (this.#status === CLOSED) {
      link.close();
      return;
    }
    this.#link = link;
    link.watch(() => this.#tell());
    for (const ask of this.#waiting) ask(link);
    this.#waiting.clear();
    this.#tell();
  }

  #become(status: LinkStatus): void {
    this.#status = status;
    this.#tell();
  }

  #tell(): void {
    this.#listeners.tell();
  }
}
