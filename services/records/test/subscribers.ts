import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CLIENT_SIDE_PERMISSIONS,
  FEED_HEADERS,
  formatClientSubject,
  formatSubscriber,
  subscriberInbox,
  subscriberPermissions,
} from '@tidewire/contract';
import type { ClientSubject, SubscriberAddress } from '@tidewire/contract';
import { createLogger, createMetrics, parseConfig } from '@tidewire/service-kit';
import type { Metrics, Service } from '@tidewire/service-kit';
import { NatsSocket, startNats, waitFor } from '@tidewire/test-kit';
import type { Platform, TestNats } from '@tidewire/test-kit';
import { configSchema } from '../src/config.ts';
import { createService } from '../src/service.ts';

/** An answer on NATS as tests look at it. */
export interface NatsAnswer {
  /** 200 where it is no refusal. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Record<string, unknown>;
}

/** Somebody who asks on NATS. */
export interface Subscriber extends Disposable {
  readonly socket: NatsSocket;
  ask(kind: ClientSubject, request: unknown): Promise<NatsAnswer>;
}

/** Another process of records, as it were, that has subscribers on a server of their own. */
export interface SubscribersOfRecords extends AsyncDisposable {
  readonly nats: TestNats;
  readonly service: Service;
  readonly metrics: Metrics;
  /** Everything that it has logged. */
  readonly log: () => string;
  subscriber(address: SubscriberAddress): Promise<Subscriber>;
}

const USER = 'records-clients';

/** The records of a platform, with its data and rights. `prepare`: before it starts. */
export async function openSubscribersOfRecords(
  platform: Platform,
  addresses: readonly SubscriberAddress[],
  prepare: (nats: TestNats) => Promise<void> = async () => undefined,
): Promise<SubscribersOfRecords> {
  const nats = await startNats({
    clients: {
      [USER]: CLIENT_SIDE_PERMISSIONS[USER],
      ...Object.fromEntries(addresses.map((who) => [formatSubscriber(who), subscriberPermissions(who)])),
    },
  });
  await prepare(nats);
  const parsed = parseConfig(configSchema, {
    DATABASE_URL: databaseUrl(platform),
    NATS_URL: platform.natsUrl('records'),
    TIDEWIRE_CLIENTS_NATS_URL: nats.urlFor(USER),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'records', level: 'info', destination });
  const metrics = createMetrics('records');
  const service = createService(parsed.config, { logger, metrics });
  await service.start();
  await waitFor(() => service.ready() === true, { what: 'the service is ready', timeoutMs: 20_000 });
  const open: Subscriber[] = [];
  return {
    nats,
    service,
    metrics,
    log: () => lines.join(''),
    async subscriber(address) {
      const made = await connectSubscriber(nats, address);
      open.push(made);
      return made;
    },
    async [Symbol.asyncDispose]() {
      for (const one of open) one[Symbol.dispose]();
      await service.drain();
      await service.stop();
      await nats[Symbol.asyncDispose]();
    },
  };
}

async function connectSubscriber(nats: TestNats, address: SubscriberAddress): Promise<Subscriber> {
  const { user, password } = nats.credentialsFor(formatSubscriber(address));
  const socket = await NatsSocket.connect({
    port: nats.port,
    user,
    password,
    inbox: subscriberInbox(address),
  });
  return {
    socket,
    ask: async (kind, request) => {
      const message = await socket.request(formatClientSubject(kind, address), JSON.stringify(request));
      return {
        status: Number(message.headers.get(FEED_HEADERS.errorCode) ?? message.headers.get('Status') ?? 200),
        headers: message.headers,
        body: message.data === '' ? {} : (JSON.parse(message.data) as Record<string, unknown>),
      };
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** As the service's own role, which has the rights that it has in production. */
function databaseUrl({ ownerUrl, dataFolder }: Platform): string {
  const secrets = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as Record<
    string,
    string
  >;
  const address = new URL(ownerUrl);
  address.username = 'tidewire_records';
  address.password = encodeURIComponent(secrets['postgres-records'] ?? '');
  return address.href;
}
