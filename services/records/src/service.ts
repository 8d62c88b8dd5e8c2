import { SIGNAL_SUBJECTS } from '@tidewire/contract';
import { CurrentCatalogue } from '@tidewire/graphql';
import { connectBus } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import {
  allowedOrigins,
  createHealth,
  createPool,
  drainServer,
  listen,
  resolveDependencies,
} from '@tidewire/service-kit';
import type { CreateService, HttpServer, Pool, ServiceDependencies } from '@tidewire/service-kit';
import { createCatalogueRepository } from './catalogue/catalogue-repository-postgres.ts';
import { Catalogue } from './catalogue/catalogue.ts';
import { createPolicyClient } from './catalogue/policy-client.ts';
import { openSubscriberService } from './subscribers/subscriber-service.ts';
import type { SubscriberService, SubscriberServiceOptions } from './subscribers/subscriber-service.ts';
import type { RecordsConfig } from './config.ts';
import { createGraphqlHandler } from './graphql/graphql-handler.ts';
import type { GraphqlHandler, GraphqlHandlerOptions } from './graphql/graphql-handler.ts';
import { OperationPlanner } from './graphql/operation-plan.ts';
import type { PlannerOptions } from './graphql/operation-plan.ts';
import { PersistedQueries } from './graphql/persisted-queries.ts';
import { answerCatalogueEntry, answerCatalogueState, loadCatalogue } from './handlers/catalogue-state.ts';
import { answerPreviewPolicy } from './handlers/preview-policy.ts';
import { createRecordsMetrics } from './metrics.ts';
import { ObjectReader } from './objects/object-reader.ts';
import { createObjectRepository } from './objects/object-repository-postgres.ts';
import { ObjectValidator } from './objects/object-validator.ts';
import { ObjectWriter } from './objects/object-writer.ts';
import { OutboxPressure } from './objects/outbox-pressure.ts';
import { TrashKeeper } from './objects/trash-keeper.ts';
import { PolicyPreview } from './policies/policy-preview.ts';
import { createPreviewSource } from './policies/preview-source-postgres.ts';
import { Authenticator } from './rights/authenticator.ts';
import { Judgement } from './rights/judgement.ts';
import { RightsFeed } from './rights/rights-feed.ts';
import { createServer } from './server.ts';
import { TableRecords } from './tables/table-records.ts';

/**
 * Bytes of rows that are read for one message: four times what a message holds, for pages of which few properties are asked
 * for. More would be read for nothing.
 */
const MESSAGE_LIST_MAX_BYTES = 8 * 1024 * 1024;

/** The service records: registers, schemas and objects over REST. */
export const createService: CreateService<RecordsConfig> = (config, given) => {
  const dependencies = resolveDependencies('records', config, given);
  const { clock } = dependencies;
  const health = createHealth();
  let address: string | undefined;
  let draining = false;
  let parts: Parts | undefined;
  health.add('service', () => (draining ? 'draining' : parts === undefined ? 'starting' : true));
  health.add('rights', () => parts?.feed.ready() ?? 'not loaded');
  return {
    get address() {
      return address;
    },
    ready: () => health.ready(),
    async start() {
      parts = await openParts(config, dependencies, () => health.ready());
      parts.feed.start();
      parts.trash.start();
      address = await listen(parts.app, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
    },
    async drain() {
      draining = true;
      if (parts === undefined) return;
      await Promise.all([parts.stopAnswering(), parts.subscribers?.drain()]);
      await drainServer(parts.app, { timeoutMs: config.TIDEWIRE_DRAIN_MS, clock });
    },
    async stop() {
      if (parts === undefined) return;
      await parts.app.close();
      await parts.subscribers?.close();
      await parts.trash.stop();
      await parts.feed.close();
      await parts.bus.close();
      await parts.pool.end();
      parts = undefined;
    },
  };
};

interface Parts {
  readonly pool: Pool;
  readonly bus: MessageBus;
  readonly feed: RightsFeed;
  readonly trash: TrashKeeper;
  readonly app: HttpServer;
  readonly stopAnswering: () => Promise<void>;
  /** Undefined where no subscribers on NATS are answered. */
  readonly subscribers: SubscriberService | undefined;
}

async function openParts(
  config: RecordsConfig,
  dependencies: ServiceDependencies,
  ready: () => true | string,
): Promise<Parts> {
  const { logger, clock, metrics } = dependencies;
  const pool = createPool({
    databaseUrl: config.DATABASE_URL,
    service: 'records',
    logger,
    maxConnections: config.TIDEWIRE_DATABASE_CONNECTIONS,
  });
  const bus = await connectBus({ url: config.NATS_URL, user: 'records', logger }).catch(
    async (error: unknown) => {
      await pool.end();
      throw error;
    },
  );
  const repository = createObjectRepository(pool);
  const catalogueRepository = createCatalogueRepository(pool);
  const onCommit = (): void => bus.signal(SIGNAL_SUBJECTS.poke);
  const feed = new RightsFeed({
    bus,
    clock,
    logger,
    stalenessLimitMs: config.TIDEWIRE_STALENESS_LIMIT_MS,
    loadCatalogue: () => loadCatalogue(catalogueRepository, repository),
  });
  const waitMs = config.TIDEWIRE_RIGHTS_WAIT_MS;
  const authenticator = new Authenticator({
    bus,
    feed,
    clock,
    cacheMs: config.TIDEWIRE_CREDENTIAL_CACHE_MS,
    cacheEntries: config.TIDEWIRE_CREDENTIAL_CACHE_ENTRIES,
    waitMs,
  });
  const judgement = new Judgement({ feed, authenticator, barriers: repository, clock, waitMs });
  const pressure = new OutboxPressure({
    maxBytes: config.TIDEWIRE_OUTBOX_MAX_BYTES,
    clock,
    outboxBytes: () => repository.outboxBytes(),
  });
  const { trashEmptied, graphqlAnswered, subscriberAnswered } = createRecordsMetrics(metrics, {
    feed,
    pressure,
    subscribers: () => subscribers,
  });
  const trash = new TrashKeeper({
    repository,
    clock,
    logger,
    retentionMs: config.TIDEWIRE_TRASH_RETENTION_MS,
    onEmptied: trashEmptied,
  });
  const policies = createPolicyClient(bus);
  const listMaxBytes = config.TIDEWIRE_LIST_MAX_BYTES;
  const reader = new ObjectReader({ judgement, repository, listMaxBytes });
  const messageReader = new ObjectReader({
    judgement,
    repository,
    listMaxBytes: Math.min(listMaxBytes, MESSAGE_LIST_MAX_BYTES),
  });
  const writer = new ObjectWriter({
    judgement,
    repository,
    validator: new ObjectValidator(),
    pressure,
    onCommit,
  });
  const app = await createServer({
    ...dependencies,
    ready,
    authenticate: (credential) => authenticator.authenticate(credential),
    allowedOrigins: allowedOrigins(config),
    catalogue: new Catalogue({ judgement, repository: catalogueRepository, policies, logger, onCommit }),
    reader,
    writer,
    graphql: openGraphql(config, { judgement, reader, writer, logger, onAnswered: graphqlAnswered }),
  });
  const preview = new PolicyPreview({ judgement, source: createPreviewSource(pool), clock });
  const stops = [
    answerCatalogueState(bus, catalogueRepository),
    answerCatalogueEntry(bus, catalogueRepository),
    answerPreviewPolicy(bus, preview),
  ];
  const stopAnswering = async (): Promise<void> => void (await Promise.all(stops.map((stop) => stop())));
  const subscribers = openSubscribers(config, {
    ...dependencies,
    authenticate: (who) => authenticator.authenticateSubscriber(who),
    reader: messageReader,
    records: new TableRecords(messageReader, writer),
    onAnswered: subscriberAnswered,
  });
  return { pool, bus, feed, trash, app, stopAnswering, subscribers };
}

/** Undefined without an address of the subscribers' account. */
function openSubscribers(
  { TIDEWIRE_CLIENTS_NATS_URL: url }: RecordsConfig,
  parts: Omit<SubscriberServiceOptions, 'url'>,
): SubscriberService | undefined {
  return url === undefined ? undefined : openSubscriberService({ ...parts, url });
}

/** Queries and mutations over the same readers and writers as every other face. */
function openGraphql(
  config: RecordsConfig,
  parts: Pick<GraphqlHandlerOptions, 'reader' | 'writer' | 'logger' | 'onAnswered'> &
    Pick<PlannerOptions, 'judgement'>,
): GraphqlHandler {
  const maxRows = config.TIDEWIRE_GRAPHQL_MAX_ROWS;
  const planner = new OperationPlanner({
    judgement: parts.judgement,
    catalogue: new CurrentCatalogue(),
    introspection: config.TIDEWIRE_GRAPHQL_INTROSPECTION,
    maxRows,
  });
  return createGraphqlHandler({
    ...parts,
    planner,
    persisted: new PersistedQueries(config.TIDEWIRE_GRAPHQL_PERSISTED_QUERIES),
    limits: { maxRows, maxBytes: config.TIDEWIRE_LIST_MAX_BYTES },
  });
}
