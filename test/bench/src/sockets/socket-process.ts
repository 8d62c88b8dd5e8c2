import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { SocketAnswer, SocketOrder, SocketReport } from './socket-orders.ts';

/** A process that holds sockets. */
export interface SocketProcess {
  /** @throws Error when sockets could not be opened. */
  readonly order: (order: SocketOrder) => Promise<SocketReport>;
  readonly stop: () => void;
}

export function startSocketProcess(): SocketProcess {
  const child = fork(join(import.meta.dirname, 'loader.ts'), [], { execArgv: ['--max-semi-space-size=1'] });
  return {
    order: (order) =>
      new Promise((answered, failed) => {
        const ended = (code: number | null): void =>
          failed(new Error(`the sockets' process ended with ${code}`));
        child.once('exit', ended);
        child.once('message', (message) => {
          child.off('exit', ended);
          const answer = message as SocketAnswer;
          if ('failed' in answer) failed(new Error(answer.failed));
          else answered(answer.report);
        });
        child.send(order);
      }),
    stop: () => child.disconnect(),
  };
}
