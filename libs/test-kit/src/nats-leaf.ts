import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { startNatsLeafServer } from '@tidewire/local';
import type { NatsCredentials } from './nats.ts';
import { runFolder } from './test-run.ts';
import { testServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

export interface StartNatsLeafOptions {
  /** Port for leaf nodes of the server that it connects to. */
  readonly port: number;
  /** What it shows there: `user:password`, or a token alone. */
  readonly credential: string;
}

/** A server of a partner's own, which is connected to another one with one credential. */
export interface TestNatsLeaf extends TestServer, AsyncDisposable {
  /** A user who may do everything at this server. */
  readonly credentials: NatsCredentials;
}

/** Starts a leaf node. It runs whether or not it is let in; what came of that is in what crosses it. */
export async function startNatsLeaf({ port, credential }: StartNatsLeafOptions): Promise<TestNatsLeaf> {
  const dataFolder = runFolder('leaf');
  const credentials = { user: 'local', password: randomBytes(12).toString('base64url') };
  const server = await startNatsLeafServer({
    dataFolder,
    serverName: 'leaf',
    remote: `nats-leaf://${credential}@127.0.0.1:${port}`,
    users: [credentials],
  });
  const leaf = testServer(server, () => rmSync(dataFolder, { recursive: true, force: true }));
  return Object.assign(leaf, {
    credentials: { ...credentials, server: `nats://127.0.0.1:${server.port}` },
    [Symbol.asyncDispose]: () => leaf.remove(),
  });
}
