import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { FolderInUseError } from './folder-claim.ts';
import { DEMO_ADMINISTRATOR_TOKEN, DEMO_SETTINGS, seedDemo } from './launcher/launcher-demo.ts';
import { Ending, formatFailure } from './launcher/launcher-ending.ts';

import { followLogs } from './launcher/launcher-logs.ts';
import { chooseOriginPort } from './launcher/launcher-ports.ts';
import { formatWelcome } from './launcher/launcher-welcome.ts';
import { launch, stopLeftovers } from './launcher/launcher.ts';
import { HELP, parseOptions } from './options.ts';
import type { StartOptions } from './options.ts';
import { createProgress } from './progress.ts';

const EXIT_USAGE = 2;
const PATIENCE_MS = 2_000;

const started = performance.now();
const progress = createProgress({ stream: process.stdout, plain: (process.env['NO_COLOR'] ?? '') !== '' });

function fail(message: string, code: number): never {
  process.stderr.write(formatFailure(message));
  process.exit(code);
}

async function readOptions(): Promise<StartOptions> {
  const parsed = parseOptions(process.argv.slice(2));
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(HELP);
      return process.exit(0);
    case 'unknown': {
      const { nearestName } = await import('@tidewire/service-kit');
      const nearest = nearestName(parsed.option, parsed.known);
      const hint = nearest === undefined ? 'npm start -- --help lists them' : `did you mean ${nearest}?`;
      return fail(`there is no option ${parsed.option}; ${hint}`, EXIT_USAGE);
    }
    case 'invalid':
      return fail(parsed.message, EXIT_USAGE);
    case 'run':
      return parsed.options;
  }
}

async function openFolder(options: StartOptions): Promise<DataFolder> {
  try {
    return openDataFolder(options.dataDir);
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new Error(
      `Tidewire already runs on ${options.dataDir} (process ${error.ownerPid}). Use that one, or start a second ` +
        'one beside it: npm start -- --data-dir ./other --port 9090',
      { cause: error },
    );
  }
}

async function main(): Promise<void> {
  const options = await readOptions();
  const folder = await openFolder(options);
  const ending = new Ending(folder, progress);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.signal());
  try {
    await start(options, folder, ending);
  } catch (error) {
    await ending.failed(error instanceof Error ? error : new Error(String(error)));
  }
}

async function start(options: StartOptions, folder: DataFolder, ending: Ending): Promise<void> {
  progress.print('');
  const left = await stopLeftovers(folder);
  if (left.length > 0) progress.note(`stopped what a killed start had left behind: ${left.join(', ')}`);
  const port = await chooseOriginPort(options.port);
  if (options.reset) folder.clear();
  if (options.verbose) process.once('exit', showLogs(folder));
  const platform = await launch({
    folder,
    port,
    gateways: options.gateways,
    records: options.records,
    notifiers: options.notifiers,
    environment: process.env,
    progress,
    ...(options.pages !== undefined && { pagesFile: existingFile(options.pages) }),
    ...(options.demo ? { settings: DEMO_SETTINGS, administratorToken: DEMO_ADMINISTRATOR_TOKEN } : {}),
    supervise: true,
    giveUp: (reason) => void ending.failed(new Error(reason)),
  });
  ending.runs(platform);
  if (options.demo) await progress.step('demo data', () => withPatience(seedDemo(platform.origin)));
  const readyAfterMs = performance.now() - started;
  const { origin, natsServer, administrator } = platform;
  const facts = {
    origin,
    natsServer,
    demo: options.demo,
    dataDir: options.dataDir,
    tokenFile: administrator.tokenFile,
  };
  progress.print(formatWelcome({ ...facts, readyAfterMs }, progress.paint));
}

/** @throws Error when there is no such file: nobody who names one wants to start without it. */
function existingFile(path: string): string {
  if (existsSync(path)) return resolve(path);
  throw new Error(`there is no file ${path}, which --pages names`);
}

/** Whoever waits wants to know what for, and that it happens only once. */
async function withPatience(work: Promise<void>): Promise<void> {
  const text = 'the first time, thousands of rows are written through the API';
  const timer = setTimeout(() => progress.note(text), PATIENCE_MS);
  await work.finally(() => clearTimeout(timer));
}

function showLogs(folder: DataFolder): () => void {
  return followLogs(folder.subfolder('logs'), (name, line) => {
    progress.print(`  ${progress.paint.dim(name.padEnd(18))} ${line}`);
  });
}

try {
  await main();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error), 1);
}
