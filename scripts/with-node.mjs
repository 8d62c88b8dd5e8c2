// Runs a program of this repository on the pinned Node, whatever Node >= 20 started us.
//
//   node scripts/with-node.mjs FILE [ARGUMENT...]
//
// Plain JavaScript on purpose: it is the one file that an older Node has to read. It installs the locked
// dependencies when they are missing or older than the lock file, finds the Node that the lock file pins, and
// hands over: same terminal, same signals, same exit code.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lowestMajor = 20;
const pinnedMajor = 24;

function fail(line) {
  process.stderr.write(`tidewire: ${line}\n`);
  process.exit(1);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < lowestMajor)
  fail(`Node ${lowestMajor} or newer is needed to start; this is ${process.versions.node}.`);

/** The packages of a lock file by their place, or undefined when there is no such file. */
function lockedPackages(...path) {
  const file = join(root, ...path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

/**
 * Whether everything that the lock file names is installed in that version. npm writes down what it has installed
 * as the last thing it does, so an installation that was cut short does not count. Optional packages (those of other
 * platforms) may be missing; more than is needed does no harm.
 */
function dependenciesAreInstalled() {
  const installed = lockedPackages('node_modules', '.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(lockedPackages('package-lock.json')).every(([place, wanted]) => {
    if (!place.startsWith('node_modules/')) return true; // this repository and its workspaces
    const found = installed[place];
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
    return found.version === wanted.version && found.link === wanted.link;
  });
}

function installDependencies() {
  if (dependenciesAreInstalled()) return;
  process.stderr.write('tidewire: installing dependencies (once per change of them; about a minute) ...\n');
  const started = Date.now();
  const npm = process.env['npm_execpath'];
  const [command, prefix] = npm?.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(
    command,
    [...prefix, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32' && command === 'npm',
    },
  );
  if (result.signal !== null) process.exit(128 + constants.signals[result.signal]);
  if (result.status !== 0) {
    fail(
      'the dependencies could not be installed. Is this machine offline? The first start needs the npm registry; later ones do not.',
    );
  }
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
  env: {
    ...process.env,
    PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env['PATH'] ?? ''}`,
  },
});
child.on('error', (error) => fail(`${node} could not be run: ${error.message}`));
// The terminal delivers Ctrl-C to the whole group; a signal sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
// npm runs us below a shell, and a shell that is told to end does not tell us: that it is gone is the signal then.
const parent = process.ppid;
if (process.env['npm_lifecycle_event'] !== undefined) {
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 250).unref();
}
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
