import { PUSH_PATHS, PUSH_TEXTS } from '@tidewire/contract';
import { WebSocket } from 'ws';

export interface PushListenerOptions {
  /** Of a notifier, or of the edge. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Called with everything that is said after it was let in. */
  readonly onText: (text: string) => void;
  /** Called when a connection that was let in is over. */
  readonly onClose?: () => void;
}

/** A client of notify_push that was let in. */
export class PushListener implements Disposable {
  readonly #socket: WebSocket;
  #isClosed = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('close', () => (this.#isClosed = true));
  }

  /** @throws Error with what was said instead, or when there is no connection. */
  static async connect({ url, user, password, onText, onClose }: PushListenerOptions): Promise<PushListener> {
    const { promise, resolve, reject } = Promise.withResolvers<PushListener>();
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${PUSH_PATHS.socket}`, {
      perMessageDeflate: false,
    });
    const listener = new PushListener(socket);
    let isIn = false;
    socket.on('open', () => {
      socket.send(user);
      socket.send(password);
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (isIn) {
        onText(text);
        return;
      }
      isIn = text === PUSH_TEXTS.authenticated;
      if (isIn) resolve(listener);
      else reject(new Error(`${user} was not let in: ${text}`));
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (isIn) onClose?.();
      else reject(new Error(`${user} was not let in: closed`));
    });
    try {
      return await promise;
    } catch (error) {
      socket.terminate();
      throw error;
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
