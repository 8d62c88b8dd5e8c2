import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/** A page of the docs as its reader has it: commands, and files to write. */
export interface Guide {
  /** Blocks of commands, in their order. */
  readonly commands: readonly string[];
  /** Files by their path: the comment before a block names it. */
  readonly files: ReadonlyMap<string, string>;
}

/** Reads a page, with the address of this server for the one that is written there. */
export function readGuide(page: string, origin = 'http://localhost:8080'): Guide {
  const text = readFileSync(join(root, page), 'utf8').replaceAll('http://localhost:8080', origin);
  const commands = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block.trim());
  const files = text.matchAll(/^<!-- (\S+\.\w+) -->\n(?:<!-- prettier-ignore -->)?\n?```\w+\n([^]*?)^```$/gm);
  return { commands, files: new Map([...files].map(([, path = '', code = '']) => [path, code])) };
}

/** What a script of npm's tells the programs that it runs: these are about another package. */
const ABOUT_THIS_REPOSITORY = /^(INIT_CWD|npm_(package|lifecycle)_.*|npm_config_local_prefix)$/;

function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ABOUT_THIS_REPOSITORY.test(name));
  return { ...Object.fromEntries(kept), npm_config_prefer_offline: 'true', NODE_ENV: undefined };
}

/** Somebody with an empty folder outside of this repository. */
export class Newcomer implements AsyncDisposable {
  /** In place of the checkout: it has the packages that were made in it, and nothing else. */
  readonly checkout: string;
  readonly app: string;
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.checkout = join(folder, 'tidewire');
    this.app = join(folder, 'orders');
  }

  /** With the packages of these sources, as `npm run packages` makes them. */
  static async arrive(): Promise<Newcomer> {
    const newcomer = new Newcomer(await mkdtemp(join(tmpdir(), 'tidewire-newcomer-')));
    await mkdir(newcomer.checkout);
    await newcomer.run(`npm run packages -- '${join(newcomer.checkout, 'packages')}'`, root);
    return newcomer;
  }

  /** Runs a block of commands until the first that fails. @throws Error with what it said. */
  async run(commands: string, folder = this.app): Promise<string> {
    const { stdout } = await run('sh', ['-ec', commands], { cwd: folder, env: environment() }).catch(
      (error: unknown) => {
        const { stdout: out, stderr } = error as { stdout: string; stderr: string };
        throw new Error(`${commands}\n${out}${stderr}`, { cause: error });
      },
    );
    return stdout;
  }

  /** Starts a command that goes on until this is disposed of. The answer gives what it has said. */
  start(command: string): () => string {
    const child = spawn('sh', ['-c', `exec ${command}`], {
      cwd: this.app,
      env: environment(),
      detached: true,
    });
    this.#children.add(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        text += String(bytes);
      });
    return () => text;
  }

  async write(files: Guide['files']): Promise<void> {
    for (const [path, code] of files) {
      await mkdir(dirname(join(this.app, path)), { recursive: true });
      await writeFile(join(this.app, path), code);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const ended = new Promise((resolve) => {
        child.once('exit', resolve);
      });
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
