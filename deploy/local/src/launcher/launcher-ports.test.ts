import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { PortInUseError, chooseOriginPort } from './launcher-ports.ts';

test.for(['127.0.0.1', '::1', '0.0.0.0'])(
  'a port that is taken on %s is refused with one that is free',
  async (host) => {
    const server = createServer();
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const refused = await chooseOriginPort(port).catch((error: unknown) => error);
    server.close();
    expect(refused).toBeInstanceOf(PortInUseError);
    const suggested = Number(/--port (\d+)$/.exec((refused as Error).message)?.[1]);
    expect(suggested).not.toBe(port);
    expect(await chooseOriginPort(suggested)).toBe(suggested);
  },
);

test('0 is any free port', async () => {
  expect(await chooseOriginPort(0)).toBeGreaterThan(0);
});
