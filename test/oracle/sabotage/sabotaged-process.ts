import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { ORACLE_SETTINGS } from '../oracle-settings.ts';
import { SABOTAGED, SABOTAGES } from './sabotages.ts';
import type { Sabotage, SabotageName } from './sabotages.ts';

export interface SabotagedProcess extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

const root = join(import.meta.dirname, '..', '..', '..');

/** Those of the oracle, but for what is another service's. */
const { TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS: _failed, ...gatewaySettings } = ORACLE_SETTINGS;

/** Starts a gateway, or records, beside those of a platform, which does one thing wrongly. */
export async function startSabotaged(platform: Platform, sabotage: SabotageName): Promise<SabotagedProcess> {
  const port = await freePort();
  const { service = 'fanout-gateway', settings }: Sabotage = SABOTAGES[sabotage];
  const child = spawn(
    process.execPath,
    ['--import', join(import.meta.dirname, 'preload.ts'), join(root, 'services', service, 'src', 'main.ts')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NATS_URL: platform.natsUrl(service),
        TIDEWIRE_HOST: '127.0.0.1',
        TIDEWIRE_PORT: String(port),
        TIDEWIRE_DRAIN_MS: '10',
        ...(service === 'records'
          ? { DATABASE_URL: platform.ownerUrl }
          : {
              TIDEWIRE_PUBLIC_URL: platform.origin,
              TIDEWIRE_CLIENTS_NATS_URL: platform.natsUrl('fanout-gateway-clients'),
              ...gatewaySettings,
            }),
        ...settings,
        ORACLE_SABOTAGE: sabotage,
      },
    },
  );
  let said = '';
  const listen = (bytes: Buffer): void => {
    said = (said + String(bytes)).slice(-4000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`the process ended:\n${said}`);
        const answer = await fetch(`${url}/readyz`).catch(() => undefined);
        await answer?.body?.cancel();
        return answer?.ok;
      },
      { what: 'the sabotaged process is ready', timeoutMs: 30_000 },
    );
    if (!said.includes(SABOTAGED)) throw new Error(`nothing was replaced for "${sabotage}":\n${said}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: `sabotaged ${service}`, url, [Symbol.asyncDispose]: stop };
}
