import { EventSource } from 'eventsource';
import { waitFor } from '@tidewire/test-kit';

export interface WatcherOptions {
  readonly name: string;
  /** A gateway, or the origin. */
  readonly base: string;
  /** As they stand in the query. */
  readonly topics: readonly string[];
  /** A token, or the cookie of a session. */
  readonly credential: { readonly token: string } | { readonly cookie: string };
}

/** A stream that only takes note: how often it was told to fetch again, how it ended, and which rows it was told of. */
export class Watcher implements Disposable {
  readonly name: string;
  readonly resyncs: string[] = [];
  readonly ends: string[] = [];
  /** Event name and title of each row, or its transition where it has none. */
  readonly events: string[] = [];
  connection = '';
  readonly #source: EventSource;

  private constructor({ name, base, topics, credential }: WatcherOptions) {
    this.name = name;
    const query = new URLSearchParams(topics.map((topic): [string, string] => ['topic', topic]));
    const headers: Record<string, string> =
      'token' in credential ? { authorization: `Bearer ${credential.token}` } : { cookie: credential.cookie };
    this.#source = new EventSource(`${base}/api/realtime/subscribe?${query.toString()}`, {
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, headers: { ...init.headers, ...headers } });
        this.connection = response.headers.get('tidewire-connection') ?? '';
        return response;
      },
    });
    this.#source.addEventListener('resync', ({ data }) => {
      this.resyncs.push((JSON.parse(String(data)) as { reason: string }).reason);
    });
    this.#source.addEventListener('end', ({ data }) => {
      const { code, reconnect } = JSON.parse(String(data)) as { code: string; reconnect: boolean };
      this.ends.push(code);
      if (!reconnect) this.#source.close();
    });
    for (const event of ['object.created', 'object.updated', 'object.deleted']) {
      this.#source.addEventListener(event, (message) => {
        const { data } = JSON.parse(String(message.data)) as {
          data: { object?: { titel?: string }; transition?: string };
        };
        this.events.push(`${event} ${data.object?.titel ?? data.transition ?? ''}`);
      });
    }
  }

  /** Resolves when the stream is open. */
  static async open(options: WatcherOptions): Promise<Watcher> {
    const watcher = new Watcher(options);
    await waitFor(() => watcher.#source.readyState === EventSource.OPEN, {
      what: `the stream of ${options.name} is open`,
      timeoutMs: 10_000,
    });
    return watcher;
  }

  [Symbol.dispose](): void {
    this.#source.close();
  }
}
