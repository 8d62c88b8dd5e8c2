import { join } from 'node:path';
import {
  BUS_USERS,
  DEMO_ADMINISTRATOR_TOKEN,
  DEMO_SETTINGS,
  createProgress,
  freePort,
  launch,
  openDataFolder,
  seedDemo,
} from '@tidewire/local';
import type { Platform as Launched } from '@tidewire/local';
import type { Platform, PlatformOptions, PlatformReplica } from './platform.ts';
import { openOwnerSql, readLog } from './platform-access.ts';
import { compileCache, runFolder } from './test-run.ts';

/** The machine's environment without what would change the platform: a developer's own settings and servers. */
function neutralEnvironment(): Record<string, string | undefined> {
  const ours = (name: string): boolean => /^(TIDEWIRE_|DATABASE_URL$|NATS_URL$|LOG_LEVEL$)/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name)));
}

/** Remarks of a start go to standard error, one line each; its steps are nobody's interest here. */
const quiet = { write: () => true };

function launchPlatform(options: PlatformOptions, dataFolder: string, port: number): Promise<Launched> {
  const { gateways = 1, records = 1, notifiers = 0, demo = false, settings = {} } = options;
  return launch({
    folder: openDataFolder(dataFolder),
    port,
    gateways,
    records,
    notifiers,
    environment: { ...neutralEnvironment(), NODE_COMPILE_CACHE: compileCache(), ...settings },
    progress: createProgress({ stream: quiet, plain: true }),
    // Tests say themselves when something comes back.
    supervise: false,
    giveUp: (reason) => process.stderr.write(`tidewire tests: ${reason}\n`),
    ...(demo ? { administratorToken: DEMO_ADMINISTRATOR_TOKEN, settings: DEMO_SETTINGS } : {}),
  });
}

/** The processes of a service, in the order of their numbers. */
function listReplicas(
  { services }: Launched,
  service: 'fanout-gateway' | 'records' | 'push-notifier',
): PlatformReplica[] {
  const isReplica = (name: string): boolean => name === service || name.startsWith(`${service}-`);
  return [...services.ports]
    .filter(([name]) => isReplica(name))
    .map(([name, port]) => ({
      name: name as PlatformReplica['name'],
      url: `http://127.0.0.1:${port}`,
      get pid() {
        return services.pid(name) ?? 0;
      },
    }));
}

/**
 * Starts all that `npm start` starts, with the same code, on a data folder of its own, as processes whatever the other
 * servers of the run are: one administrator and, unless `demo`, nothing else. A few seconds on a quiet machine.
 *
 * @throws what the launcher says when something does not start, with the end of its log; nothing is left running then.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const dataFolder = join(runFolder('platform'), 'data');
  const launched = await launchPlatform(options, dataFolder, await freePort());
  const owner = openOwnerSql(launched.databaseUrls.ownerUrl);
  const stop = async (): Promise<void> => {
    await owner.close();
    await launched.stop(); // the folder stays until the run is over: its logs explain a failure
  };
  try {
    if (options.demo) await seedDemo(launched.origin);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    origin: launched.origin,
    adminToken: launched.administrator.token,
    gateways: listReplicas(launched, 'fanout-gateway'),
    records: listReplicas(launched, 'records'),
    notifiers: listReplicas(launched, 'push-notifier'),
    urls: Object.fromEntries(
      [...launched.services.ports].map(([name, port]) => [name, `http://127.0.0.1:${port}`]),
    ),
    dataFolder,
    ownerUrl: launched.databaseUrls.ownerUrl,
    sql: owner.sql,
    natsUrl: (name) => {
      const user = BUS_USERS.find((known) => known === name);
      if (user === undefined) throw new Error(`NATS has no user ${name}`);
      return launched.natsUrl(user);
    },
    natsServer: launched.natsServer,
    kill: (name) => launched.kill(name),
    restart: (name, signal) => launched.restart(name, signal),
    log: (name) => readLog(dataFolder, name),
    [Symbol.asyncDispose]: stop,
  };
}
