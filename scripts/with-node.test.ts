import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidewire-with-node-'));
  mkdirSync(join(root, 'scripts'));
  mkdirSync(join(root, 'node_modules'));
  copyFileSync(join(import.meta.dirname, 'with-node.mjs'), join(root, 'scripts', 'with-node.mjs'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Packages = Record<string, Record<string, unknown>>;

const wanted: Packages = {
  '': { name: 'root' },
  'libs/contract': { version: '0.1.0' },
  'node_modules/zod': { version: '4.6.7' },
  'node_modules/@tidewire/contract': { resolved: 'libs/contract', link: true },
  'node_modules/other-platform': { version: '1.0.0', optional: true },
};

function writeLock(packages: Packages, installed?: Packages): void {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  if (installed === undefined) return;
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
}

const complete: Packages = {
  'libs/contract': { version: '0.1.0' },
  'node_modules/zod': { version: '4.6.7' },
  'node_modules/@tidewire/contract': { resolved: 'libs/contract', link: true },
};

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** `npm` is a script that stands in for npm and says what it was called with. */
function start(
  program: string,
  args: string[] = [],
  npm = "process.stderr.write('npm ' + process.argv.slice(2, 3) + '\\n')",
) {
  writeFileSync(join(root, 'program.mjs'), program);
  writeFileSync(join(root, 'npm-cli.js'), npm);
  return spawn(process.execPath, [join(root, 'scripts', 'with-node.mjs'), 'program.mjs', ...args], {
    env: { ...process.env, npm_execpath: join(root, 'npm-cli.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(...given: Parameters<typeof start>): Promise<Outcome> {
  const child = start(...given);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, output, errors };
}

test('runs the program on the pinned Node with its arguments and ends with its exit code', async () => {
  writeLock(wanted, complete);
  const outcome = await run(
    'console.log(process.versions.node, ...process.argv.slice(2)); process.exit(7);',
    ['--port', '1'],
  );
  expect(outcome.output).toMatch(/^24\.\d+\.\d+ --port 1\n$/);
  expect(outcome).toMatchObject({ code: 7, errors: '' });
});

test('installs nothing when all that the lock file names is there, other platforms aside', async () => {
  writeLock(wanted, { ...complete, 'node_modules/more': { version: '9.9.9' } });
  expect(await run('')).toMatchObject({ code: 0, errors: '' });
});

test.for([
  ['nothing is installed', undefined],
  ['a package is missing', { ...complete, 'node_modules/zod': undefined }],
  ['a package has another version', { ...complete, 'node_modules/zod': { version: '4.0.0' } }],
  ['a workspace is not linked', { ...complete, 'node_modules/@tidewire/contract': { version: '0.1.0' } }],
] as const)('installs the locked dependencies when %s', async ([, installed]) => {
  writeLock(wanted, installed as Packages | undefined);
  expect((await run('')).errors).toMatch(/installing dependencies[\s\S]*npm ci\n[\s\S]*dependencies ready/);
});

test('says what to do when the dependencies cannot be installed, and does not run the program', async () => {
  writeLock(wanted);
  const outcome = await run("console.log('ran')", [], 'process.exit(1)');
  expect(outcome).toMatchObject({ code: 1, output: '' });
  expect(outcome.errors).toContain('needs the npm registry');
});

test.for(['SIGINT', 'SIGTERM'] as const)('passes %s on and waits for the program to end', async (signal) => {
  writeLock(wanted, complete);
  const child = start(
    `process.on('${signal}', () => setTimeout(() => { console.log('drained'); process.exit(3); }, 50));
     setInterval(() => {}, 1000); console.log('ready');`,
  );
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  child.kill(signal);
  expect(String((await once(child.stdout, 'data'))[0])).toBe('drained\n');
  expect(await closed).toEqual([3, null]);
});

test('ends the program when the shell that npm put in between is gone', async () => {
  writeLock(wanted, complete);
  writeFileSync(
    join(root, 'program.mjs'),
    "process.on('SIGTERM', () => { console.log('drained'); process.exit(0); }); setInterval(() => {}, 1000); console.log('ready');",
  );
  const withNode = join(root, 'scripts', 'with-node.mjs');
  const shell = spawn('sh', ['-c', `'${process.execPath}' '${withNode}' program.mjs; exit 0`], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(shell.stdout, 'data');
  const rest = text(shell.stdout);
  shell.kill('SIGTERM');
  expect(await rest).toBe('drained\n');
});

test('reports a program that was killed as a shell would', async () => {
  writeLock(wanted, complete);
  expect((await run("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);")).code).toBe(137);
});
