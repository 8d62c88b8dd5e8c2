import type { z } from 'zod';
import { parseConfig } from './config.ts';
import type { ConfigFault, ConfigSchema } from './config.ts';

/** `EX_CONFIG` of sysexits: a supervisor can tell a wrong setting from a crash, and not restart for ever. */
const EXIT_CONFIG = 78;

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
export function refuseConfig(faults: readonly ConfigFault[]): void {
  const lines = faults.map((fault) => `  ${fault.name} ${fault.message}\n`);
  process.stderr.write(`The settings are not valid:\n${lines.join('')}`);
  process.exitCode = EXIT_CONFIG;
}
