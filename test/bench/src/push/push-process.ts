import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { HeardOnSocket, PushOrder, PushReport } from './push-orders.ts';

/** The process that holds the sockets; orders are given one by one. */
export interface PushProcess extends Disposable {
  /** @throws Error when sockets could not be opened. */
  readonly order: (order: PushOrder) => Promise<readonly HeardOnSocket[]>;
}

export function startPushProcess(): PushProcess {
  const child = fork(join(import.meta.dirname, 'listener.ts'));
  return {
    order: (order) =>
      new Promise((answered, failed) => {
        child.once('message', (message) => {
          const report = message as PushReport;
          if (report.type === 'done') answered(report.sockets);
          else failed(new Error(report.message));
        });
        child.send(order);
      }),
    [Symbol.dispose]: () => child.disconnect(),
  };
}
