import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The services that `npm start` runs, in the order in which their names are shown. */
export const LOCAL_SERVICES = [
  'relay',
  'authz',
  'records',
  'fanout-gateway',
  'push-notifier',
  'pages',
] as const;
export type LocalService = (typeof LOCAL_SERVICES)[number];

const root = join(import.meta.dirname, '..', '..', '..', '..');
const OWN_PREFIX = 'TIDEWIRE_';
/** Set for each service by the launcher; a value from outside would break the wiring. */
const WIRED = new Set(['TIDEWIRE_HOST', 'TIDEWIRE_PORT', 'TIDEWIRE_PUBLIC_URL']);
/** What a Node program may need of the machine's environment. Nothing else of it reaches a service. */
const MACHINE = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'TZ',
  'LANG',
  'LC_ALL',
  'SystemRoot',
  'NODE_EXTRA_CA_CERTS',
  'LOG_LEVEL',
  'NODE_COMPILE_CACHE',
];

type Environment = Readonly<Record<string, string | undefined>>;

/** The program of a service. */
export function serviceProgram(service: LocalService): string {
  return join(root, 'services', service, 'src', 'main.ts');
}

/**
 * The variables of `environment` that every program of ours gets, and where Node keeps what it compiled: what was
 * compiled the last time is used again, which halves the work of a start.
 */
export function machineVariables(environment: Environment, dataFolder: string): Record<string, string> {
  const result: Record<string, string> = { NODE_COMPILE_CACHE: join(dataFolder, 'cache') };
  for (const name of MACHINE) if (environment[name] !== undefined) result[name] = environment[name];
  return result;
}

/**
 * The `TIDEWIRE_*` variables of `environment`, per service that knows them. Every service refuses what it does not
 * know, so a setting of one must not reach another.
 *
 * @throws Error when no service knows a variable, naming the nearest that one does; or when it is wired here.
 */
export async function settingsByService(
  environment: Environment,
): Promise<Map<LocalService, Record<string, string>>> {
  const result = new Map<LocalService, Record<string, string>>(
    LOCAL_SERVICES.map((service) => [service, {}]),
  );
  const given = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[0].startsWith(OWN_PREFIX) && (entry[1] ?? '') !== '',
  );
  if (given.length === 0) return result; // reading every service's settings takes time
  const known = await Promise.all(
    LOCAL_SERVICES.map(async (service) => [service, await settingNames(service)] as const),
  );
  for (const [name, value] of given) {
    if (WIRED.has(name)) throw new Error(`${name} is set by npm start itself; use --port, or unset it.`);
    const knowing = known.filter(([, names]) => names.includes(name));
    if (knowing.length === 0)
      throw await unknownSetting(
        name,
        known.flatMap(([, names]) => names),
      );
    for (const [service] of knowing) result.set(service, { ...result.get(service), [name]: value });
  }
  return result;
}

async function unknownSetting(name: string, names: readonly string[]): Promise<Error> {
  const { nearestName } = await import('@tidewire/service-kit');
  const nearest = nearestName(name, names);
  return new Error(
    `${name} is not a setting of any service${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`,
  );
}

/** A service's settings are the keys of the one schema in its `config.ts`. */
async function settingNames(service: LocalService): Promise<string[]> {
  const path = join(root, 'services', service, 'src', 'config.ts');
  const module = (await import(pathToFileURL(path).href)) as { configSchema: { shape: object } };
  return Object.keys(module.configSchema.shape);
}
