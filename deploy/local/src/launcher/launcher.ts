import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataFolder } from '../data-folder.ts';
import type { DatabaseUrls } from '../postgres/database-postgres.ts';
import { ensureAdministrator } from './launcher-administrator.ts';
import type { Administrator } from './launcher-administrator.ts';
import { openProcessRecord } from './launcher-record.ts';
import { migrate, startBus, startDatabase } from './launcher-servers.ts';
import type { Bus, BusUser, Database } from './launcher-servers.ts';
import { startServices } from './launcher-services.ts';
import type { Services, ServicesOptions } from './launcher-services.ts';
import { settingsByService } from './launcher-settings.ts';
import type { LocalServer } from '../local-server.ts';
import type { Progress } from '../progress.ts';

const SERVER_CHECK_MS = 250;
/** Restarts of NATS or PostgreSQL within a launcher's life before it gives up. */
const MAX_SERVER_RESTARTS = 5;
const SERVER_STOP_MS = 800;

export interface LaunchOptions {
  /** Opened, and released by whoever opened it. */
  readonly folder: DataFolder;
  /** Port of the origin, free. */
  readonly port: number;
  readonly gateways: number;
  /** Processes of records behind the origin. */
  readonly records: number;
  /** Processes of the push notifier. */
  readonly notifiers: number;
  /** `DATABASE_URL`, `NATS_URL`, `TIDEWIRE_*` and what programs need of the machine. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Made once for the data folder when missing. */
  readonly administratorToken?: string;
  /** Absolute path of the file of live pages; the environment's, or the one that comes along, when absent. */
  readonly pagesFile?: string;
  /** Settings beside those in the environment. */
  readonly settings?: ServicesOptions['settings'];
  readonly progress: Progress;
  /** Whether what crashes is started again. Tests that kill want it to stay down. */
  readonly supervise: boolean;
  /** Called when something that is needed cannot be kept running; the rest still runs then. */
  readonly giveUp: (reason: string) => void;
}

/** Everything that `npm start` runs. */
export interface Platform {
  /** `http://localhost:{port}` */
  readonly origin: string;
  readonly services: Services;
  readonly administrator: Administrator;
  readonly databaseUrls: DatabaseUrls;
  /** The bus as one of its users. */
  readonly natsUrl: (user: BusUser) => string;
  /** Its address for those who show a token; without a user. */
  readonly natsServer: string;
  /** SIGKILL, also of `nats` and `postgres`; without supervision it stays down until `restart`. */
  kill(name: string): Promise<void>;
  /** Like {@link Services.restart}, for `nats` and `postgres` too, which keep address and data. */
  restart(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Drains edge and services, then stops NATS, then PostgreSQL. At most 5 s. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  killAll(): Promise<void>;
}

/** Stops the services that a killed launcher left in this folder. NATS and PostgreSQL look after their own. */
export function stopLeftovers(folder: DataFolder): Promise<string[]> {
  return openProcessRecord(join(folder.path, 'processes.json')).stopLeftovers();
}

/**
 * Starts servers, tables and services, as much as possible at once.
 *
 * @throws Error of the step that failed; what it had started is stopped again.
 */
export async function launch(options: LaunchOptions): Promise<Platform> {
  const { folder, environment, progress } = options;
  const settings = await settingsByService(environment);
  for (const [service, more] of options.settings ?? [])
    settings.set(service, { ...more, ...settings.get(service) });
  if (options.pagesFile !== undefined)
    settings.set('pages', { ...settings.get('pages'), TIDEWIRE_PAGES_FILE: options.pagesFile });
  const servers: LocalServer[] = [];
  const keep = <T extends { server?: LocalServer }>(started: T): T => {
    if (started.server !== undefined) servers.push(started.server);
    return started;
  };
  try {
    const startServer = <T extends { server?: LocalServer }>(
      name: string,
      given: string | undefined,
      start: (url: string | undefined) => Promise<T>,
    ): Promise<T> =>
      progress.step(
        name,
        () => start(given).then(keep),
        ({ server }) =>
          server === undefined ? `given, ${hostsOf(given ?? '').join(', ')}` : `127.0.0.1:${server.port}`,
      );
    const prepareTables = ({ adminUrl }: Database): ReturnType<typeof migrate> =>
      progress.step(
        'tables',
        () => migrate(folder, adminUrl),
        ({ applied }) => (applied.length === 0 ? 'up to date' : `${applied.length} migrations applied`),
      );
    const note = (text: string): void => progress.note(text);
    const busStarts = startServer('NATS', environment['NATS_URL'] || undefined, (url) =>
      startBus(folder, url, note),
    );
    const databaseStarts = startServer('PostgreSQL', environment['DATABASE_URL'] || undefined, (url) =>
      startDatabase(folder, url, note),
    );
    const tablesReady = databaseStarts.then(prepareTables);
    // Both, also when one fails: what the other one starts has to be known before it can be stopped.
    await Promise.allSettled([busStarts, tablesReady]);
    const [bus, database, { urls }] = await Promise.all([busStarts, databaseStarts, tablesReady]);
    folder.subfolder('logs');
    const [services, administrator] = await progress.step(
      'services',
      () => startServicesAndAdministrator(options, servicesOptions(options, settings, bus, urls)),
      () => serviceList(options),
    );
    const serverOf = (name: string): LocalServer | undefined =>
      name === 'nats' ? bus.server : name === 'postgres' ? database.server : undefined;
    const watch = options.supervise ? watchServers(servers, options) : undefined;
    return {
      origin: services.origin,
      services,
      administrator,
      databaseUrls: urls,
      natsUrl: bus.url,
      natsServer: hostsOf(bus.url('relay'))
        .map((host) => `nats://${host}`)
        .join(','),
      kill: (name) => serverOf(name)?.kill() ?? services.kill(name),
      restart: async (name, signal) => {
        const server = serverOf(name);
        if (server === undefined) return services.restart(name, signal);
        if (signal === 'SIGTERM') await server.stop();
        await server.restart(); // kills it when it still runs
      },
      stop: async () => {
        clearInterval(watch);
        await services.stop();
        for (const server of servers.toReversed()) await stopServer(server);
      },
      killAll: async () => {
        clearInterval(watch);
        await Promise.all([services.killAll(), ...servers.map((server) => server.kill())]);
      },
    };
  } catch (error) {
    await Promise.all(servers.map(stopServer));
    throw error;
  }
}

/** The hosts of an address, which may be several with commas between them. */
function hostsOf(url: string): string[] {
  return url.split(',').map((part) => new URL(part.trim()).host);
}

function serviceList({ gateways, records, notifiers }: LaunchOptions): string {
  const gateway = gateways === 1 ? 'gateway' : `${gateways} gateways`;
  const notifier = notifiers === 0 ? [] : [notifiers === 1 ? 'notifier' : `${notifiers} notifiers`];
  const names = ['relay', 'authz', records === 1 ? 'records' : `${records} records`, gateway, ...notifier];
  return [...names, 'pages', 'edge'].join(', ');
}

/** At the same time, because neither needs the other to be there; both or none. */
async function startServicesAndAdministrator(
  { folder, environment, administratorToken }: LaunchOptions,
  services: ServicesOptions,
): Promise<[Services, Administrator]> {
  const starting = startServices(services);
  const { authz } = services.databaseUrls;
  const making = ensureAdministrator(folder, authz, environment, administratorToken);
  const [started] = await Promise.allSettled([starting, making]);
  try {
    return await Promise.all([starting, making]);
  } catch (error) {
    if (started.status === 'fulfilled') await started.value.killAll();
    throw error;
  }
}

function servicesOptions(
  { port, gateways, records, notifiers, folder, environment, progress, supervise, giveUp }: LaunchOptions,
  settings: NonNullable<ServicesOptions['settings']>,
  bus: Bus,
  urls: DatabaseUrls,
): ServicesOptions {
  return {
    port,
    gateways,
    records,
    notifiers,
    bus,
    settings,
    environment,
    folder: folder.path,
    databaseUrls: {
      'relay': urls.relayUrl,
      'authz': urls.authzUrl,
      'records': urls.recordsUrl,
      'push-notifier': urls.pushUrl,
    },
    restart: supervise,
    report: (event) => {
      if (event.kind === 'restarted') return progress.note(`${event.name} runs again`);
      if (event.kind === 'crashed') {
        return progress.warn(
          `${event.name} ended (${event.how}); it is started again in ${event.restartInMs} ms`,
        );
      }
      return giveUp(`${event.name} keeps ending (${event.how}). Its log: ${event.logFile}`);
    },
  };
}

/** NATS and PostgreSQL are started again when they end by themselves: they lose nothing that was acknowledged. */
function watchServers(servers: readonly LocalServer[], { progress, giveUp }: LaunchOptions): NodeJS.Timeout {
  const restarting = new Set<LocalServer>();
  let restarts = 0;
  const check = async (server: LocalServer): Promise<void> => {
    const how = server.ended();
    if (how === undefined || restarting.has(server)) return;
    restarting.add(server);
    if (++restarts > MAX_SERVER_RESTARTS) return giveUp(`${server.name} keeps ending (${how}).`);
    progress.warn(`${server.name} ended (${how}); it is started again`);
    try {
      await server.restart();
      progress.note(`${server.name} runs again`);
      restarting.delete(server);
    } catch (error) {
      giveUp(
        `${server.name} could not be started again. ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  return setInterval(() => servers.forEach((server) => void check(server)), SERVER_CHECK_MS);
}

async function stopServer(server: LocalServer): Promise<void> {
  const cancel = new AbortController();
  const late = delay(SERVER_STOP_MS, false, { signal: cancel.signal }).catch(() => true);
  if (!(await Promise.race([server.stop().then(() => true), late]))) await server.kill();
  cancel.abort();
}
