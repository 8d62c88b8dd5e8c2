import { join } from 'node:path';
import type { EdgeService } from '../edge/edge-routes.ts';
import { formatUpstreams } from '../edge/edge-settings.ts';
import type { Upstream } from '../edge/edge-upstreams.ts';
import { SupervisedProcess } from './launcher-process.ts';
import type { ProcessEvent, ProcessPlan } from './launcher-process.ts';
import { openProcessRecord } from './launcher-record.ts';
import type { Bus } from './launcher-servers.ts';
import { LOCAL_SERVICES, machineVariables, serviceProgram } from './launcher-settings.ts';
import type { LocalService } from './launcher-settings.ts';
import { freePort } from '../free-port.ts';

/** Streams are told to reconnect within this time when everything stops. */
const DRAIN_MS = 800;
const STOP_FIRST_MS = 1_500;
const STOP_THEN_MS = 1_200;
/** For a restart in order. Nobody waits for that at a prompt, so a drain may take what its settings say. */
const RESTART_GRACE_MS = 60_000;

/** The live pages that come along, of the demo's tables. */
const PAGES_FILE = join(import.meta.dirname, '..', '..', 'pages.yaml');

/** The databases of the services that have one. */
export type ServiceDatabases = Readonly<Record<'relay' | 'authz' | 'records' | 'push-notifier', string>>;

export interface ServicesOptions {
  /** Port of the origin on loopback. */
  readonly port: number;
  readonly gateways: number;
  /** Processes of records. */
  readonly records: number;
  /** Processes of the push notifier. */
  readonly notifiers: number;
  /** Addresses with the role and password of each service. */
  readonly databaseUrls: ServiceDatabases;
  /** The bus's address with the name and password of a user; with a seed, subscribers of other teams are let in there. */
  readonly bus: Pick<Bus, 'url' | 'calloutSeed'>;
  /** Absolute; logs, the process record and caches lie in it. */
  readonly folder: string;
  /** Further settings, per service that knows them. */
  readonly settings?: ReadonlyMap<LocalService, Readonly<Record<string, string>>>;
  /** The machine's environment; the services get the few variables of it that a program needs. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whether a crashed process is started again. Tests that kill want it to stay down. */
  readonly restart: boolean;
  readonly report?: (event: ProcessEvent) => void;
}

/**
 * All services and the edge, running. Names are those of the services; gateways are `fanout-gateway-1` and so on, and
 * when there are several processes of records, they are `records-1` and so on.
 */
export interface Services {
  /** `http://localhost:{port}` */
  readonly origin: string;
  /** The processes by name, and where each listens on 127.0.0.1. */
  readonly ports: ReadonlyMap<string, number>;
  /** The process that runs under a name, if one does. */
  pid(name: string): number | undefined;
  /** SIGKILL; it stays down until `restart`. */
  kill(name: string): Promise<void>;
  /**
   * Ends it with the signal if it runs, starts it on the same port and waits until it is ready. SIGTERM lets it take
   * the time that its settings give it.
   */
  restart(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Drains edge and gateways, then the rest; nothing of it runs afterwards. Takes at most about 3 s. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  killAll(): Promise<void>;
}

/**
 * Starts every service and the edge, all at once, and waits until all are ready.
 *
 * @throws Error of the first that does not start, with the end of its log; nothing is left running.
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const plans = await planServices(options);
  const supervision = {
    record: openProcessRecord(join(options.folder, 'processes.json')),
    restart: options.restart,
    report: options.report ?? (() => {}),
  };
  const processes = new Map(plans.map((plan) => [plan.name, new SupervisedProcess(plan, supervision)]));
  const all = [...processes.values()];
  const find = (name: string): SupervisedProcess => {
    const found = processes.get(name);
    if (found === undefined)
      throw new Error(`there is no process ${name}; there are ${[...processes.keys()].join(', ')}`);
    return found;
  };
  const killAll = async (): Promise<void> => void (await Promise.all(all.map((one) => one.kill())));
  try {
    await Promise.all(all.map((one) => one.start()));
  } catch (error) {
    await killAll();
    throw error;
  }
  const isFront = (one: SupervisedProcess): boolean => /^(edge|fanout-gateway|pages)/.test(one.plan.name);
  return {
    origin: `http://localhost:${options.port}`,
    ports: new Map(plans.map((plan) => [plan.name, plan.port])),
    pid: (name) => find(name).pid,
    kill: (name) => find(name).kill(),
    restart: async (name, signal) => {
      if (signal === 'SIGKILL') await find(name).kill();
      else await find(name).stop(RESTART_GRACE_MS);
      await find(name).start();
    },
    stop: async () => {
      await Promise.all(all.filter(isFront).map((one) => one.stop(STOP_FIRST_MS)));
      await Promise.all(all.filter((one) => !isFront(one)).map((one) => one.stop(STOP_THEN_MS)));
    },
    killAll,
  };
}

async function planServices(options: ServicesOptions): Promise<ProcessPlan[]> {
  const names = LOCAL_SERVICES.flatMap((service) =>
    processNames(service, options).map((name) => ({ service, name })),
  );
  const upstreams = new Map<EdgeService, Upstream[]>();
  const plans: ProcessPlan[] = [];
  for (const { service, name } of names) {
    const port = await freePort();
    if (service !== 'relay') {
      upstreams.set(service, [...(upstreams.get(service) ?? []), { host: '127.0.0.1', port }]);
    }
    plans.push({
      name,
      port,
      logFile: join(options.folder, 'logs', `${name}.log`),
      args: [...(service === 'fanout-gateway' ? ['--max-semi-space-size=1'] : []), serviceProgram(service)],
      env: { ...commonVariables(options, port), ...serviceVariables(options, service) },
    });
  }
  return [...plans, planEdge(options, upstreams)];
}

/** Gateways are always numbered, others only where there is more than one of them. */
function processNames(
  service: LocalService,
  { gateways, records, notifiers }: Pick<ServicesOptions, 'gateways' | 'records' | 'notifiers'>,
): string[] {
  const numbered = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${service}-${index + 1}`);
  if (service === 'fanout-gateway') return numbered(gateways);
  const count = service === 'records' ? records : service === 'push-notifier' ? notifiers : 1;
  return count === 1 ? [service] : numbered(count);
}

function planEdge(
  options: ServicesOptions,
  upstreams: ReadonlyMap<EdgeService, readonly Upstream[]>,
): ProcessPlan {
  return {
    name: 'edge',
    port: options.port,
    logFile: join(options.folder, 'logs', 'edge.log'),
    args: [join(import.meta.dirname, '..', 'edge', 'edge-main.ts')],
    env: {
      ...commonVariables(options, options.port),
      TIDEWIRE_HOST: '127.0.0.1,::1',
      TIDEWIRE_EDGE_UPSTREAMS: formatUpstreams(upstreams),
    },
  };
}

function commonVariables(options: ServicesOptions, port: number): Record<string, string> {
  return {
    ...machineVariables(options.environment ?? {}, options.folder),
    TIDEWIRE_HOST: '127.0.0.1',
    TIDEWIRE_PORT: String(port),
    TIDEWIRE_DRAIN_MS: String(DRAIN_MS),
  };
}

/** What the services need that let subscribers in and answer them, who are in an account of their own. */
function subscriberVariables(
  { url, calloutSeed }: ServicesOptions['bus'],
  service: LocalService,
): Record<string, string> {
  if (calloutSeed === undefined) return {};
  switch (service) {
    case 'authz':
      return { TIDEWIRE_CALLOUT_NATS_URL: url('authz-callout'), TIDEWIRE_CALLOUT_SEED: calloutSeed };
    case 'fanout-gateway':
    case 'push-notifier':
    case 'records':
      return { TIDEWIRE_CLIENTS_NATS_URL: url(`${service}-clients`) };
    default:
      return {};
  }
}

function serviceVariables(options: ServicesOptions, service: LocalService): Record<string, string> {
  const variables: Record<string, string> = { TIDEWIRE_PUBLIC_URL: `http://localhost:${options.port}` };
  if (service === 'pages') variables['TIDEWIRE_PAGES_FILE'] = PAGES_FILE;
  else variables['NATS_URL'] = options.bus.url(service);
  Object.assign(variables, subscriberVariables(options.bus, service));
  if (hasDatabase(service)) variables['DATABASE_URL'] = options.databaseUrls[service];
  // The edge is on this machine, and nothing else speaks to the services.
  if (service === 'fanout-gateway' || service === 'push-notifier' || service === 'authz') {
    variables['TIDEWIRE_TRUSTED_PROXIES'] = 'loopback';
  }
  return { ...variables, ...options.settings?.get(service) };
}

function hasDatabase(service: LocalService): service is keyof ServiceDatabases {
  return service !== 'fanout-gateway' && service !== 'pages';
}
