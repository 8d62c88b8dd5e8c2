import { createServer } from 'node:net';
import { freePort } from '../free-port.ts';

/** The origin's addresses: whatever `localhost` means to a client. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** Thrown when the origin's port is taken; the message says how to choose another. */
export class PortInUseError extends Error {
  constructor(port: number, free: number) {
    super(`Port ${port} is in use by another program. Choose another one: npm start -- --port ${free}`);
    this.name = 'PortInUseError';
  }
}

/**
 * A port for the origin: `wanted`, or any free one for 0.
 *
 * @throws PortInUseError when it is taken on any address of the loopback; Error when it may not be used at all.
 */
export async function chooseOriginPort(wanted: number): Promise<number> {
  if (wanted === 0) return freePort();
  for (const host of LOOPBACK) {
    const error = await tryListening(wanted, host);
    if (error === undefined || error === 'EADDRNOTAVAIL' || error === 'EAFNOSUPPORT') continue;
    if (error === 'EADDRINUSE') throw new PortInUseError(wanted, await freePortNear(wanted));
    throw new Error(`Port ${wanted} cannot be used (${error}). Choose another one: npm start -- --port 8080`);
  }
  return wanted;
}

function tryListening(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host }, () => server.close(() => resolve(undefined)));
  });
}

/** A number that people can remember, if one of the next few is free. */
async function freePortNear(taken: number): Promise<number> {
  for (let port = taken + 1; port <= Math.min(taken + 10, 65_535); port++) {
    const errors = await Promise.all(LOOPBACK.map((host) => tryListening(port, host)));
    if (!errors.includes('EADDRINUSE') && !errors.includes('EACCES')) return port;
  }
  return freePort();
}
