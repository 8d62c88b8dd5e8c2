import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_PERMISSIONS } from '@tidewire/contract';
import { freePort, settingsByService, startServices } from '@tidewire/local';
import type { Services } from '@tidewire/local';
import { Pool } from 'pg';
import { makeFirstAdministrator } from './first-administrator.ts';
import { MIGRATED_SERVICES } from './migrations.ts';
import { startNats } from './nats.ts';
import type { TestNats } from './nats.ts';
import type { Platform, PlatformGateway, PlatformOptions, PlatformProcess } from './platform.ts';
import { startPostgresAlone } from './postgres.ts';
import type { TestPostgresServer } from './postgres.ts';
import { runFolder } from './test-run.ts';

/** What can be ended and brought back, whether it is a server or a service. */
interface Restartable {
  kill(): Promise<void>;
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

function serverHandle(server: TestNats | TestPostgresServer): Restartable {
  return {
    kill: () => server.kill(),
    restart: async (signal) => {
      if (signal === 'SIGTERM') await server.stop();
      await server.restart();
    },
  };
}

function serviceHandle(services: Services, name: string): Restartable {
  return { kill: () => services.kill(name), restart: (signal) => services.restart(name, signal) };
}

/** The launcher does not number an only gateway; tests always do. */
function launcherName(name: PlatformProcess, gateways: number): string {
  return gateways === 1 && name === 'fanout-gateway-1' ? 'fanout-gateway' : name;
}

/** A pool whose connections may break: the statement under way fails, the next one gets a new connection. */
function openPool(ownerUrl: string): Pool {
  const pool = new Pool({ connectionString: ownerUrl, max: 4 });
  pool.on('error', () => undefined);
  return pool;
}

function listGateways(services: Services, count: number): PlatformGateway[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `fanout-gateway-${index + 1}` as const;
    const internal = launcherName(name, count);
    return {
      name,
      url: `http://127.0.0.1:${services.ports.get(internal)}`,
      get pid() {
        return services.pid(internal) ?? 0;
      },
    };
  });
}

async function startAll(
  options: PlatformOptions,
  folder: string,
  nats: TestNats,
  postgres: TestPostgresServer,
): Promise<Services> {
  return startServices({
    port: await freePort(),
    gateways: options.gateways ?? 1,
    databaseUrls: { relay: postgres.relayUrl, authz: postgres.authzUrl, records: postgres.recordsUrl },
    natsUrl: (user) => nats.urlFor(user),
    folder,
    settings: await settingsByService(options.settings ?? {}),
    environment: process.env,
    // Tests say themselves when something comes back.
    restart: false,
  });
}

/**
 * Starts every service and the edge as `npm start` does, with the same code, on servers of their own, with one
 * administrator and nothing else. Some seconds.
 *
 * @throws what the launcher says when a service does not start, with the end of its log.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const { gateways = 1 } = options;
  const folder = runFolder('platform');
  mkdirSync(join(folder, 'logs'));
  await using started = new AsyncDisposableStack();
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  // Both, also when one fails: what the other one starts has to be known before it can be stopped.
  const [natsStart, postgresStart] = await Promise.allSettled([
    startNats({ users: SERVICE_PERMISSIONS }).then((nats) => started.use(nats)),
    startPostgresAlone({ services: MIGRATED_SERVICES }).then((postgres) => started.use(postgres)),
  ]);
  if (natsStart.status === 'rejected') throw natsStart.reason;
  if (postgresStart.status === 'rejected') throw postgresStart.reason;
  const [nats, postgres] = [natsStart.value, postgresStart.value];
  const adminToken = await makeFirstAdministrator(postgres.ownerUrl);
  const pool = started.adopt(openPool(postgres.ownerUrl), (opened) => opened.end());
  const services = started.adopt(await startAll(options, folder, nats, postgres), (running) =>
    running.stop(),
  );
  const handleOf = (name: PlatformProcess): Restartable => {
    if (name === 'nats') return serverHandle(nats);
    if (name === 'postgres') return serverHandle(postgres);
    return serviceHandle(services, launcherName(name, gateways));
  };
  const everything = started.move();
  return {
    origin: services.origin,
    adminToken,
    gateways: listGateways(services, gateways),
    ownerUrl: postgres.ownerUrl,
    sql: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    natsUrl: (service) => nats.urlFor(service),
    kill: (name) => handleOf(name).kill(),
    restart: (name, signal) => handleOf(name).restart(signal),
    log: (name) => readFileSync(join(folder, 'logs', `${launcherName(name, gateways)}.log`), 'utf8'),
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}
