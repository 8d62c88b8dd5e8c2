import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { WatchAnswer, WatchOrder } from './watch-plan.ts';

/** The process that holds the streams; orders are answered one by one. */
export interface WatchProcess {
  /** @throws Error when streams could not be opened. */
  readonly order: (order: WatchOrder) => Promise<WatchAnswer>;
  readonly stop: () => void;
}

/** Starts it for the gateway at an address. */
export function startWatchProcess(gateway: string): WatchProcess {
  const child = fork(join(import.meta.dirname, 'watcher.ts'), [gateway]);
  let last: Promise<unknown> = Promise.resolve();
  const send = (order: WatchOrder): Promise<WatchAnswer> =>
    new Promise((answered, failed) => {
      child.once('message', (message) => {
        const answer = message as WatchAnswer;
        if (answer.type === 'failed') failed(new Error(answer.message));
        else answered(answer);
      });
      child.send(order);
    });
  return {
    order: (order) => {
      const turn = last.then(() => send(order));
      last = turn.catch(() => undefined);
      return turn;
    },
    stop: () => child.disconnect(),
  };
}
