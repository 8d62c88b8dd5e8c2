import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import {
  CALLOUT_ISSUER_VARIABLE,
  PRODUCTION_USERS,
  formatNatsProductionConfig,
  natsPasswordVariable,
} from './nats-production-config.ts';
import { findNatsServer } from './nats-server-binary.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'nats');
const file = join(folder, 'nats-server.conf');
const run = promisify(execFile);

const users = Object.values(PRODUCTION_USERS).flatMap((of) => Object.keys(of));
const variables: Record<string, string> = {
  ...Object.fromEntries(users.map((user) => [natsPasswordVariable(user), `secret-of-${user}`])),
  [CALLOUT_ISSUER_VARIABLE]: 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA',
  TIDEWIRE_NATS_SERVER_NAME: 'nats-1',
  TIDEWIRE_NATS_STORE_DIR: '/data',
};

async function checkFile(path: string, env: Record<string, string>): Promise<string> {
  const { path: server } = await findNatsServer();
  return (await run(server, ['-t', '-c', path], { env })).stderr;
}

test('the configuration for production gives each service exactly the rights of the contract', async () => {
  await expect(formatNatsProductionConfig()).toMatchFileSnapshot(file);
});

test('the server accepts it, and refuses it when a password is missing', async () => {
  expect(await checkFile(file, variables)).toContain('is valid');
  const { ['TIDEWIRE_NATS_RELAY_PASSWORD']: _, ...incomplete } = variables;
  await expect(checkFile(file, incomplete)).rejects.toThrow(/TIDEWIRE_NATS_RELAY_PASSWORD/);
});

test('no file that is shipped takes leaf nodes, or lets anybody in without a name', () => {
  for (const name of ['nats-server.conf', 'tls.conf', 'cluster.conf']) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text).not.toMatch(/^\s*(leafnodes|no_auth_user|allow_non_tls|websocket|mqtt)\b/m);
  }
});

test('the account of subscribers has no streams, takes no leaf nodes and not all connections of the server', () => {
  const clients = /CLIENTS: \{\n([\s\S]*?)\n {4}users/.exec(formatNatsProductionConfig())?.[1];
  expect(clients).toContain('limits: { max_subscriptions: 50, max_connections: 5000, max_leafnodes: 0 }');
  expect(clients).not.toContain('jetstream');
});

test('monitoring, which asks nobody who they are, is for the same host only', () => {
  expect(formatNatsProductionConfig()).toMatch(/^http: "127\.0\.0\.1:8222"$/m);
});
