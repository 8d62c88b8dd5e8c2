import type { Socket } from 'node:net';

/** Resolves when the socket takes more without queueing, or the connection is closed. */
export async function untilDrained(socket: Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    socket.off('drain', done);
    socket.off('close', done);
    resolve();
  };
  socket.once('drain', done);
  socket.once('close', done);
  await promise;
}
