// Runs a program of this repository on the pinned Node, whatever Node >= 20 started us.
//
//   node scripts/with-node.mjs FILE [ARGUMENT...]
//
// Plain JavaScript on purpose: it is the one file that an older Node has to read. It installs the locked
// dependencies when they are missing or older than the lock file, finds the Node that the lock file pins, and
// hands over: same terminal, same signals, same exit code.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules', '.tidewire-lock-hash');
const lowestMajor = 20;
const pinnedMajor = 24;

function fail(line) {
  process.stderr.write(`tidewire: ${line}\n`);
  process.exit(1);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < lowestMajor) fail(`Node ${lowestMajor} or newer is needed to start; this is ${process.versions.node}.`);

function installDependencies() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return;
  process.stderr.write('tidewire: installing dependencies (once per lock file; about a minute) ...\n');
  const started = Date.now();
  const npm = process.env['npm_execpath'];
  const [command, prefix] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...prefix, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (result.status !== 0) {
    fail(
      'the dependencies could not be installed. Is this machine offline? The first start needs the npm registry; later ones do not.',
    );
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, hash);
  process.stderr.write(`tidewire: dependencies ready after ${Math.round((Date.now() - started) / 1000)} s\n`);
}

function findNode() {
  if (major === pinnedMajor) return process.execPath;
  const require = createRequire(import.meta.url);
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  try {
    const manifest = require.resolve(`node-${platform}-${process.arch}/package.json`);
    const path = join(dirname(manifest), 'bin', binary);
    if (existsSync(path)) return path;
  } catch {
    // no pinned Node for this platform: the one that runs may be new enough
  }
  if (major > pinnedMajor) return process.execPath;
  return fail(
    `there is no pinned Node for ${platform}-${process.arch}. Install Node ${pinnedMajor} or newer and start again.`,
  );
}

const [program, ...programArguments] = process.argv.slice(2);
if (program === undefined) fail('usage: node scripts/with-node.mjs FILE [ARGUMENT...]');
installDependencies();
const node = findNode();
const child = spawn(node, [join(root, program), ...programArguments], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env['PATH'] ?? ''}` },
});
// The terminal delivers Ctrl-C to the whole group; a signal sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
