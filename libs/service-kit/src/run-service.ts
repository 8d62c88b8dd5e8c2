import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { describeConfig, parseConfig, printableConfig } from './config.ts';
import type { BaseConfig, ConfigFault, ConfigSchema } from './config.ts';
import { resolveDependencies } from './service.ts';
import type { CreateService, Service } from './service.ts';
import type { Logger } from './logger.ts';

/** What the process was asked to be. */
interface Package {
  readonly name: string;
  readonly version: string;
}

/** `EX_CONFIG` of sysexits: a supervisor can tell a wrong setting from a crash, and not restart for ever. */
const EXIT_CONFIG = 78;
/** Added to the drain time before a process that does not end is ended. */
const STOP_GRACE_MS = 5_000;

/**
 * Runs a service as this process: the whole of its `main.ts`. Reads settings from the environment and reports all
 * faults together (exit code 78); `--help`, `--version` and `--print-config` answer and exit; SIGTERM and SIGINT
 * drain and stop it, a second signal ends at once; an error that nobody caught is logged and ends it with code 1.
 * Name and version come from the package.json beside the `src` folder of the main module.
 */
export async function runService<Schema extends ConfigSchema>(
  createService: CreateService<z.output<Schema>>,
  schema: Schema,
): Promise<void> {
  const { name, version } = readPackage(process.argv[1] ?? '.');
  const [flag] = process.argv.slice(2);
  if (flag === '--version') return print(`${name} ${version}`);
  if (flag === '--help') return print(formatHelp(name, schema));
  if (flag !== undefined && flag !== '--print-config') {
    return refuseConfig([
      { name: flag, message: 'is not an option; there are --help, --version and --print-config' },
    ]);
  }
  const result = parseConfig(schema, process.env);
  if (!result.ok) return refuseConfig(result.faults);
  if (flag === '--print-config')
    return print(JSON.stringify(printableConfig(schema, result.config), null, 2));

  const config = result.config as z.output<Schema> & BaseConfig;
  const dependencies = resolveDependencies(name, config);
  const { logger } = dependencies;
  exitOnUncaught(logger);
  const service = createService(config, dependencies);
  stopOnSignal(service, logger, config.TIDEWIRE_DRAIN_MS);
  try {
    await service.start();
  } catch (error) {
    logger.error('service could not start', { error });
    await service.stop().catch(() => undefined);
    process.exit(1);
  }
  logger.info('service started', { version, address: service.address });
}

/**
 * The settings of this process, from its environment: for a command that is not a service. All faults are written to
 * standard error together, then the process ends with code 78.
 */
export function readConfigOrExit<Schema extends ConfigSchema>(schema: Schema): z.output<Schema> {
  const result = parseConfig(schema, process.env);
  if (result.ok) return result.config;
  refuseConfig(result.faults);
  process.exit();
}

/** Reports faults of the settings and sets the exit code that says so. */
function refuseConfig(faults: readonly ConfigFault[]): void {
  const lines = faults.map((fault) => `  ${fault.name} ${fault.message}\n`);
  process.stderr.write(`The settings are not valid:\n${lines.join('')}`);
  process.exitCode = EXIT_CONFIG;
}

/** The settings of a service as text for a terminal. */
export function formatHelp(name: string, schema: ConfigSchema): string {
  const rows = describeConfig(schema).map((row) => {
    const value = row.required ? 'required' : `default ${row.default ?? 'none'}`;
    return `  ${row.name}  (${row.type}; ${value}${row.secret ? '; secret' : ''})\n      ${row.description}`;
  });
  return [
    `tidewire ${name}`,
    '',
    'Settings are environment variables:',
    ...rows,
    '',
    'Options: --help, --version, --print-config (secrets are shown as ***)',
  ].join('\n');
}

function readPackage(mainModule: string): Package {
  try {
    const text = readFileSync(join(dirname(mainModule), '..', 'package.json'), 'utf8');
    const { name, version } = JSON.parse(text) as Package;
    return { name: name.replace(/^@tidewire\//, ''), version };
  } catch {
    return { name: 'service', version: '0.0.0' };
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function stopOnSignal(service: Service, logger: Logger, drainMs: number): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info('service stopping', { signal });
    setTimeout(() => {
      logger.error('service did not stop in time');
      process.exit(1);
    }, drainMs + STOP_GRACE_MS).unref();
    void stopInOrder(service, logger).then((exitCode) => process.exit(exitCode));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

async function stopInOrder(service: Service, logger: Logger): Promise<number> {
  let exitCode = 0;
  for (const step of [() => service.drain(), () => service.stop()]) {
    try {
      await step();
    } catch (error) {
      logger.error('service did not stop cleanly', { error });
      exitCode = 1;
    }
  }
  if (exitCode === 0) logger.info('service stopped');
  return exitCode;
}

function exitOnUncaught(logger: Logger): void {
  const onUncaught = (error: unknown): void => {
    logger.error('uncaught error', { error });
    process.exit(1);
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
}
