import {
  CLIENT_SIDE_PERMISSIONS,
  REQUEST_SUBJECTS,
  SERVICE_PERMISSIONS,
  SYSTEM_PERMISSIONS,
  catalogueEntryRequestSchema,
  previewPolicyRequestSchema,
  queueGroup,
} from '@tidewire/contract';
import type { NamedProperties, PreviewPolicyRequest } from '@tidewire/contract';
import { connectBus, createAccountKey, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { createLogger, createManualClock, createMetrics, createPool } from '@tidewire/service-kit';
import type { ManualClock, Pool, Service } from '@tidewire/service-kit';
import { startNats, startPostgres } from '@tidewire/test-kit';
import type { TestDatabase, TestNats } from '@tidewire/test-kit';
import { configSchema } from '../src/config.ts';
import type { AuthzConfig } from '../src/config.ts';
import { ensureAdministrator } from '../src/first-administrator.ts';
import { createService } from '../src/service.ts';

export const ADMIN_TOKEN = 'tw_administrator-of-the-tests';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at whatever came
  readonly body: any;
}

export interface RunningAuthz extends AsyncDisposable {
  /** The one that runs. */
  readonly service: Service;
  readonly nats: TestNats;
  readonly database: TestDatabase;
  /** As the service's own role. */
  readonly pool: Pool;
  readonly clock: ManualClock;
  /** As another service, with no more permissions than it has. */
  readonly bus: MessageBus;
  /** The address of the bus for another service's user. */
  readonly natsUrlFor: (user: string) => string;
  /** What records says, over the real bus; until a test says otherwise it knows all names, and nobody gains or loses. */
  readonly records: {
    names: (names: readonly string[]) => NamedProperties | null;
    readonly previews: PreviewPolicyRequest[];
  };
  /** Stops the service and, when `start` is called, starts another one with the same settings. */
  stopService(): Promise<{ start(): Promise<void> }>;
  /** Another instance beside it, with the same settings. Ended by the caller. */
  startBeside(): Promise<Service & AsyncDisposable>;
  /** Everything that the service logged, at every level. */
  readonly log: () => string;
  ask(method: string, path: string, token?: string, body?: unknown): Promise<Answer>;
}

/** A whole authz with real servers behind it and a clock that the test moves, and an administrator unless told not to. */
export async function startAuthz(
  options: {
    readonly admin?: boolean;
    readonly config?: Partial<AuthzConfig>;
    /** A database with the migrations applied; disposed with the service. */
    readonly database?: TestDatabase;
    /** Whether those who show a token are let in to NATS. */
    readonly subscribers?: boolean;
  } = {},
): Promise<RunningAuthz> {
  const calloutKey = createAccountKey();
  const [database, nats] = await Promise.all([
    options.database ?? startPostgres({ services: ['relay', 'authz'] }),
    startNats({
      users: SERVICE_PERMISSIONS,
      ...(options.subscribers === true && {
        clients: CLIENT_SIDE_PERMISSIONS,
        system: SYSTEM_PERMISSIONS,
        calloutIssuer: calloutKey.publicKey,
      }),
    }),
  ]);
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'authz', level: 'debug', destination });
  const clock = createManualClock(Date.now());
  const config = {
    ...configSchema.parse({
      DATABASE_URL: database.authzUrl,
      NATS_URL: nats.urlFor('authz'),
      ...(options.subscribers === true && {
        TIDEWIRE_CALLOUT_NATS_URL: nats.urlFor('authz-callout'),
        TIDEWIRE_CALLOUT_SEED: calloutKey.seed,
      }),
    }),
    ...options.config,
  };
  const pool = createPool({ databaseUrl: database.authzUrl, service: 'test', logger });
  if (options.admin !== false) {
    const admin = { id: 'admin', name: 'Admin', secret: ADMIN_TOKEN, expiresAtMs: null, nowMs: clock.now() };
    await ensureAdministrator(pool, admin);
  }
  const startOne = async (): Promise<Service> => {
    const one = createService(config, { logger, clock, metrics: createMetrics('authz') });
    await one.start();
    return one;
  };
  const stopOne = async (one: Service): Promise<void> => {
    await one.drain();
    await one.stop();
  };
  let service = await startOne();
  const bus = await connectBus({ url: nats.urlFor('records'), user: 'records', logger: silentLogger });

  const records: RunningAuthz['records'] = { names: allNames, previews: [] };
  const queue = queueGroup('records');
  bus.respond(REQUEST_SUBJECTS.catalogueEntry, {
    queue,
    requestSchema: catalogueEntryRequestSchema,
    handle: async ({ names }) => ({ ok: true, names: records.names(names) }),
  });
  bus.respond(REQUEST_SUBJECTS.previewPolicy, {
    queue,
    requestSchema: previewPolicyRequestSchema,
    handle: async (request) => {
      records.previews.push(request);
      return { ok: true, principals: [], unchanged: 0, truncated: false };
    },
  });

  return {
    get service() {
      return service;
    },
    nats,
    async stopService() {
      await stopOne(service);
      return {
        start: async () => {
          service = await startOne();
        },
      };
    },
    async startBeside() {
      const one = await startOne();
      return Object.assign(Object.create(one) as Service, { [Symbol.asyncDispose]: () => stopOne(one) });
    },
    database,
    pool,
    clock,
    bus,
    natsUrlFor: (user) => nats.urlFor(user),
    records,
    log: () => lines.join(''),
    async ask(method, path, token, body) {
      const response = await fetch(`${service.address}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    async [Symbol.asyncDispose]() {
      await bus.close();
      await stopOne(service);
      await pool.end();
      await nats[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Every name is a property, in one schema a text and in another a date and time. */
function allNames(names: readonly string[]): NamedProperties {
  const definitions = [{ type: 'string' }, { type: 'string', format: 'date-time' }] as const;
  return { schemas: 2, properties: names.map((name) => ({ name, definitions: [...definitions] })) };
}
