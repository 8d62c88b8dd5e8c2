import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, which begin at 32768 or above. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 100;
/** Given away lately, and perhaps not listened on yet: whoever starts many servers at once asks for all ports before. */
const given = new Set<number>();
const REMEMBERED = 2000;

/**
 * A TCP port of 127.0.0.1 that nothing listens on at this moment. It is not one that the system would give to an
 * outgoing connection in the meantime, nor one of the last two thousand that this process asked for; another program may
 * still take it before you do.
 *
 * @throws Error when a hundred ports in a row are taken.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    const [oldest] = given;
    if (given.size > REMEMBERED && oldest !== undefined) given.delete(oldest);
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST}`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
