import { once } from 'node:events';
import { waitFor } from '@tidewire/test-kit';
import { WebSocket } from 'ws';

/** A client of notify_push that keeps what it is told, in the form in which desktops read it. */
export class PushClient implements Disposable {
  readonly told: string[] = [];
  closed = false;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => void this.told.push(data.toString()));
    socket.on('close', () => (this.closed = true));
  }

  static async open(url: string): Promise<PushClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'));
    const client = new PushClient(socket);
    await once(socket, 'open');
    return client;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Waits for a text that is told after the first `from` ones. */
  async untilTold(text: string, from = 0): Promise<void> {
    await waitFor(() => this.told.slice(from).includes(text), {
      what: `'${text}' is told`,
      timeoutMs: 10_000,
    }).catch((cause: unknown) => {
      throw new Error(`told instead: ${JSON.stringify(this.told)}`, { cause });
    });
  }

  /** Messages of a name, with their bodies. */
  of(name: string): readonly unknown[] {
    return this.told.flatMap((text) => {
      const space = text.indexOf(' ');
      if (text === name) return [null];
      return text.slice(0, Math.max(space, 0)) === name ? [JSON.parse(text.slice(space + 1)) as unknown] : [];
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
