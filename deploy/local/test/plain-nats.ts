import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The few lines of the NATS text protocol that these tests need: local servers are tested without a client library. */
export interface PlainNats extends AsyncDisposable {
  /** What the server said about itself on connecting. */
  info: Record<string, unknown>;
  /** Sends one protocol line, and the payload after it when there is one. */
  send(line: string, payload?: string): void;
  /** Waits for the first line, since the start, that matches, and answers the whole text up to now. */
  heard(pattern: RegExp): Promise<string>;
}

/** Connects to `127.0.0.1:<port>`; with a user it also logs in, and rejects with the server's words when refused. */
export async function connectPlainNats(port: number, user?: string, password?: string): Promise<PlainNats> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const heard = async (pattern: RegExp): Promise<string> => {
    const end = performance.now() + 5000;
    while (!pattern.test(text)) {
      if (socket.destroyed) throw new Error(`closed before ${pattern}: ${text}`);
      if (performance.now() > end) throw new Error(`never heard ${pattern}, but: ${text}`);
      await delay(2);
    }
    return text;
  };
  const send = (line: string, payload?: string): void => {
    socket.write(payload === undefined ? `${line}\r\n` : `${line}\r\n${payload}\r\n`);
  };
  const info = JSON.parse((/^INFO (\{.*\})/m.exec(await heard(/^INFO .*\r\n/m)) ?? [])[1] ?? '{}') as Record<
    string,
    unknown
  >;
  if (user !== undefined) {
    send(`CONNECT ${JSON.stringify({ user, pass: password, verbose: false, pedantic: false })}`);
    send('PING');
    await heard(/^(PONG|-ERR)/m);
    if (/-ERR/.test(text)) throw new Error(text.slice(text.indexOf('-ERR')).trim());
  }
  return {
    info,
    send,
    heard,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await closed;
    },
  };
}
