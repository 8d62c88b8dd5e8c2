import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SERVICE_PERMISSIONS } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { formatNatsProductionConfig, natsPasswordVariable } from './nats-production-config.ts';
import { findNatsServer } from './nats-server-binary.ts';

const file = join(import.meta.dirname, '..', '..', '..', 'nats', 'nats-server.conf');
const run = promisify(execFile);

const passwords = Object.fromEntries(
  Object.keys(SERVICE_PERMISSIONS).map((service) => [natsPasswordVariable(service), `secret-of-${service}`]),
);

test('the configuration for production gives each service exactly the rights of the contract', async () => {
  await expect(formatNatsProductionConfig()).toMatchFileSnapshot(file);
});

test('the server accepts it, and refuses it when a password is missing', async () => {
  const { path } = await findNatsServer();
  const check = (env: Record<string, string>) => run(path, ['-t', '-c', file], { env });
  const { stderr } = await check({ ...passwords, TIDEWIRE_NATS_SERVER_NAME: 'nats-1' });
  expect(stderr).toContain('is valid');
  const { TIDEWIRE_NATS_RELAY_PASSWORD: _, ...incomplete } = passwords;
  await expect(check({ ...incomplete, TIDEWIRE_NATS_SERVER_NAME: 'nats-1' })).rejects.toThrow(
    /TIDEWIRE_NATS_RELAY_PASSWORD/,
  );
});
