import { connect } from 'node:net';

/** What a client shows to NATS. */
export type Shown = { readonly auth_token: string } | { readonly user: string; readonly pass: string };

export interface ConnectFigures {
  readonly perSecond: number;
  /** From the first packet until the server has answered as to somebody whom it let in, milliseconds, ascending. */
  readonly latenciesMs: readonly number[];
  readonly refused: number;
}

/** Connects and leaves, so many at a time, for so long. */
export async function measureConnects(
  port: number,
  shown: (count: number) => Shown,
  { parallel, seconds }: { readonly parallel: number; readonly seconds: number },
): Promise<ConnectFigures> {
  const started = performance.now();
  const until = started + seconds * 1000;
  const latenciesMs: number[] = [];
  let refused = 0;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const from = performance.now();
      if (await connectOnce(port, shown((count += 1)))) latenciesMs.push(performance.now() - from);
      else refused += 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, one));
  const tookSeconds = (performance.now() - started) / 1000;
  return {
    perSecond: latenciesMs.length / tookSeconds,
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
    refused,
  };
}

/** Whether the server lets in: it answers a ping of those whom it knows. */
function connectOnce(port: number, shown: Shown): Promise<boolean> {
  const options = { verbose: false, pedantic: false, protocol: 1, lang: 'bench', version: '0', ...shown };
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const end = (isIn: boolean): void => {
      socket.destroy();
      resolve(isIn);
    };
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      if (heard === '') socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
      heard += text;
      if (heard.includes('PONG\r\n')) end(true);
      else if (heard.includes('-ERR')) end(false);
    });
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}
