import { randomUUID } from 'node:crypto';
import { CONNECTIONS_BUCKET, TRANSPORTS } from '@tidewire/contract';
import { connectBus, openLeases } from '@tidewire/messaging';
import type { Leases, MessageBus } from '@tidewire/messaging';
import {
  allowedOrigins,
  createClientAddress,
  createHealth,
  drainServer,
  listen,
  resolveDependencies,
} from '@tidewire/service-kit';
import type { CreateService, HttpServer } from '@tidewire/service-kit';
import { SubscriberAccount } from './subscribers/subscriber-account.ts';
import type { GatewayConfig } from './config.ts';
import { createGateway } from './gateway.ts';
import type { Gateway } from './gateway.ts';
import { createServer } from './server.ts';

const SERVICE = 'fanout-gateway';
/** After the streams were told to go, the time that their last bytes may take. */
const LAST_BYTES_MS = 1000;
const LEASES_RETRY_MS = 2000;

/** The gateway: reads the log, keeps the streams, and tells each of them what its principal may see. */
export const createService: CreateService<GatewayConfig> = (config, given) => {
  const dependencies = resolveDependencies(SERVICE, config, given);
  const { logger, clock } = dependencies;
  const health = createHealth();
  let draining = false;
  let bus: MessageBus | undefined;
  let gateway: Gateway | undefined;
  let subscribers: SubscriberAccount | undefined;
  let leases: Leases | undefined;
  let app: HttpServer | undefined;
  let address: string | undefined;
  let stopping = false;
  const instance = randomUUID();
  health.add('draining', () => (draining ? 'told to stop' : true));
  health.add('log', () => (gateway?.feed.fresh === true ? true : 'not level with the event log'));

  // Without leases the limits hold for this gateway alone: no reason to keep anybody waiting.
  const openLeaseStore = async (connected: MessageBus): Promise<void> => {
    try {
      const replicas = config.TIDEWIRE_LOG_REPLICAS;
      leases = await openLeases(connected, { bucket: CONNECTIONS_BUCKET, instance, clock, replicas });
    } catch (error) {
      logger.warn('connection leases are not available', { error });
      clock.setTimeout(() => {
        if (!stopping) void openLeaseStore(connected);
      }, LEASES_RETRY_MS);
    }
  };

  return {
    async start() {
      bus = await connectBus({ url: config.NATS_URL, user: SERVICE, logger });
      gateway = createGateway(config, { ...dependencies, bus, instance, leases: () => leases });
      gateway.cluster.start();
      gateway.graphql.streams.start();
      subscribers = new SubscriberAccount({
        url: config.TIDEWIRE_CLIENTS_NATS_URL,
        gateway,
        maxTopics: config.TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION,
        clock,
        logger,
      });
      subscribers.start();
      app = createServer(serverOptions(config, gateway, { ...dependencies, ready: () => health.ready() }));
      address = await listen(app, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
      // Rights may take a while to be there: until then every request is told to come again. Whoever asks all gateways
      // should know of this one by then.
      void openLeaseStore(bus)
        .then(async () => await gateway?.feed.start())
        .catch((error: unknown) => {
          logger.error('log feed failed', { error });
        });
    },
    ready: () => health.ready(),
    async drain() {
      draining = true;
      gateway?.opener.drain();
      gateway?.graphql.sockets.drain();
      await subscribers?.drain();
      await gateway?.keeper.drain(config.TIDEWIRE_DRAIN_MS);
      if (app !== undefined) await drainServer(app, { timeoutMs: LAST_BYTES_MS, clock });
    },
    async stop() {
      stopping = true;
      gateway?.keeper.stop();
      gateway?.sockets.stop();
      gateway?.graphql.sockets.stop();
      await gateway?.graphql.streams.stop();
      await subscribers?.stop();
      gateway?.sse.stop();
      gateway?.pendingEdits.stop();
      await gateway?.presence.stop();
      await gateway?.feed.stop();
      gateway?.fanOut.stop();
      gateway?.admissions.again.stop();
      gateway?.admissions.subscribers.stop();
      if (app !== undefined) await drainServer(app, { timeoutMs: 0, clock });
      await leases?.close();
      await bus?.close();
    },
    get address() {
      return address;
    },
  };
};

type ServerDependencies = Pick<Parameters<typeof createServer>[0], 'logger' | 'metrics' | 'clock' | 'ready'>;

function serverOptions(
  config: GatewayConfig,
  gateway: Gateway,
  dependencies: ServerDependencies,
): Parameters<typeof createServer>[0] {
  const { feed, rights, keeper, opener, sse, sockets, graphql, presence, longPoll } = gateway;
  const { admissions, connections, explainer, readOperation, metrics } = gateway;
  return {
    ...dependencies,
    allowedOrigins: allowedOrigins(config),
    sse,
    sockets,
    graphqlSockets: graphql.sockets,
    graphqlStreams: graphql.streams,
    presence,
    opener,
    longPoll,
    draining: () => opener.draining,
    admit: admissions.admit,
    addressOf: createClientAddress(config.TIDEWIRE_TRUSTED_PROXIES),
    connections,
    explainer,
    readOperation,
    admitAgain: (credential) => admissions.again.admit(credential),
    anonymousStreams: config.TIDEWIRE_ANONYMOUS_STREAMS,
    maxTopics: config.TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION,
    retryMs: () => keeper.retryMs(),
    onRefusal: (code) => metrics.refusals.inc({ code }),
    view: () => rights.view,
    requireReady: () => opener.requireReady(),
    requireRights: () => opener.requireRights(),
    fresh: () => feed.fresh,
    streams: keeper.streams,
    heartbeatMs: config.TIDEWIRE_SSE_HEARTBEAT_MS,
    // Servers are not told on NATS where nobody lets them in.
    transports: TRANSPORTS.filter(
      (transport) => transport !== 'nats' || config.TIDEWIRE_CLIENTS_NATS_URL !== undefined,
    ),
    oldest: () => feed.oldestEvent(),
    newest: () => feed.position,
  };
}
