import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { compileCache, freePort, waitFor } from '@tidewire/test-kit';
import type { FakePlatform } from '@tidewire/test-kit';

const MAIN = join(import.meta.dirname, '..', '..', 'fanout-gateway', 'src', 'main.ts');

/** A gateway as it runs in production: a process of its own, because services do not import each other. */
export class GatewayProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #address: string;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.#address = address;
  }

  static async start({ nats }: FakePlatform, settings: Record<string, string> = {}): Promise<GatewayProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, ['--max-semi-space-size=1', MAIN], {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: compileCache(),
        TIDEWIRE_PORT: String(port),
        NATS_URL: nats.urlFor('fanout-gateway'),
        TIDEWIRE_CLIENTS_NATS_URL: nats.urlFor('fanout-gateway-clients'),
        LOG_LEVEL: 'warn',
        ...settings,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const gateway = new GatewayProcess(child, `http://127.0.0.1:${port}`);
    try {
      // Sources are read unbuilt, which takes a while where many tests run at once.
      await waitFor(() => gateway.#isReady(), { what: 'the gateway is ready', timeoutMs: 40_000 });
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  /** The value of one of its metrics, by the end of its name. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#address}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`tidewire_fanout_gateway_${name} `));
    return Number(line?.split(' ').at(-1) ?? Number.NaN);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#address}/readyz`)).ok;
    } catch {
      return false;
    }
  }
}
