import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { compileCache, freePort, waitFor } from '@tidewire/test-kit';

/** A relay as it runs in production: a process of its own that can be killed or frozen. */
export interface RelayProcess {
  /** Whether it leads now; false also when it does not answer. */
  leads(): Promise<boolean>;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
}

export async function startRelayProcess(natsUrl: string, databaseUrl: string): Promise<RelayProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'src', 'main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: compileCache(),
      NATS_URL: natsUrl,
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'error',
      TIDEWIRE_PORT: String(port),
    },
  });
  const origin = `http://127.0.0.1:${port}`;
  await waitFor(() => answers(child, `${origin}/livez`), {
    timeoutMs: 30_000,
    what: 'the relay process answers',
  });
  return {
    leads: async () => {
      const text = await fetch(`${origin}/metrics`, { signal: AbortSignal.timeout(500) })
        .then((response) => response.text())
        .catch(() => '');
      return text.includes('\ntidewire_relay_leader 1');
    },
    signal: (name) => void child.kill(name),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function answers(child: ChildProcess, url: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`the relay process ended with ${child.exitCode}`);
  return await fetch(url)
    .then((response) => response.ok)
    .catch(() => false);
}
