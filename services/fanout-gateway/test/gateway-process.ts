import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { compileCache, freePort, waitFor } from '@tidewire/test-kit';
import { SseClient } from './sse-client.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

/** A gateway that runs as it does in production: `main.ts` in a process of its own. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly #address: string;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.#address = address;
  }

  static async start(settings: Record<string, string>): Promise<GatewayProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, ['--max-semi-space-size=1', MAIN], {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: compileCache(),
        TIDEWIRE_PORT: String(port),
        ...settings,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const gateway = new GatewayProcess(child, `http://127.0.0.1:${port}`);
    try {
      // Sources are read unbuilt, which takes a while where many tests run at once.
      await waitFor(async () => await gateway.#isReady(), {
        what: 'the gateway is ready',
        timeoutMs: 40_000,
      });
    } catch (error) {
      await gateway.kill();
      throw error;
    }
    return gateway;
  }

  /** Stands still until {@link resume}, as under a debugger or on a host that is out of memory. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** An orderly end; resolves with the exit code. */
  async terminate(): Promise<number | null> {
    const exit = once(this.#child, 'exit') as Promise<[number | null]>;
    this.#child.kill('SIGTERM');
    return (await exit)[0];
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  url(path: string): string {
    return `${this.#address}${path}`;
  }

  async subscribe(secret: string, query: string): Promise<SseClient> {
    return await SseClient.open(this.url(`/api/realtime/subscribe?${query}`), {
      authorization: `Bearer ${secret}`,
    });
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(this.url('/readyz'))).ok;
    } catch {
      return false;
    }
  }
}
