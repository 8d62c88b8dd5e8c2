import { CurrentCatalogue } from '@tidewire/graphql';
import type { GraphqlRequest } from '@tidewire/graphql';
import { FEED_GROUPS_BUCKET } from '@tidewire/contract';
import { Freshness, openFeedGroupStore } from '@tidewire/messaging';
import type { ClientChannel, Leases, MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { AdmissionCache, admit, credentialKey } from '@tidewire/rights';
import type { Admission, Reader } from '@tidewire/rights';
import type { Clock, GivenCredential, Logger, Metrics } from '@tidewire/service-kit';
import type { GatewayConfig } from './config.ts';
import { ConnectionRegistry } from './connections/connection-registry.ts';
import { Connections } from './connections/connections.ts';
import { renewWith } from './connections/renewal.ts';
import { GatewayCluster } from './connections/gateway-cluster.ts';
import { PendingEdits } from './conflicts/pending-edits.ts';
import { createScheduler } from './delivery/scheduler.ts';
import { Explainer } from './explain/explainer.ts';
import { FanOut } from './fanout/fan-out.ts';
import type { FanOutOptions } from './fanout/fan-out.ts';
import { FeedGroups } from './feeds/feed-groups.ts';
import type { FeedGroupsOptions } from './feeds/feed-groups.ts';
import { Feeds } from './feeds/feeds.ts';
import { createGraphql } from './graphql/graphql.ts';
import type { Graphql } from './graphql/graphql.ts';
import { ConnectionSlots } from './limits/connection-slots.ts';
import type { ConnectionLeases } from './limits/connection-slots.ts';
import { ReplayGate } from './limits/replay-gate.ts';
import { LogFeed } from './log/log-feed.ts';
import { ReplayRing } from './log/ring.ts';
import { createGatewayMetrics, observePoll, observeReplay } from './metrics.ts';
import type { GatewayMetrics } from './metrics.ts';
import { Presence } from './presence/presence.ts';
import { concernedBy } from './presence/rights-concern.ts';
import type { ReplayOutcome } from './replay/replay.ts';
import { readOperation } from './rights/read-operation.ts';
import type { ReadOperation } from './rights/read-operation.ts';
import { RightsFeed } from './rights/rights-feed.ts';
import { LongPoll } from './transports/long-poll.ts';
import { SseStreams } from './transports/sse-streams.ts';
import { createSubscriberAdmissions } from './rights/subscriber-admission.ts';
import type { SubscriberAdmissions } from './rights/subscriber-admission.ts';
import { StreamKeeper } from './transports/stream-keeper.ts';
import { StreamOpener } from './transports/stream-opener.ts';
import type { Stream } from './transports/stream.ts';
import { WebSockets } from './transports/web-sockets.ts';

export interface GatewayDependencies {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** This gateway's name among all. */
  readonly instance: string;
  /** Counts connections, and gateways, over all of them; undefined while it cannot. */
  readonly leases: () => (ConnectionLeases & Pick<Leases, 'listAlive'>) | undefined;
  readonly random?: () => number;
}

/** The parts of a gateway, wired: log → rights and fan-out → streams. Nothing runs before `feed.start()`. */
export interface Gateway {
  readonly feed: LogFeed;
  readonly rights: RightsFeed;
  readonly fanOut: FanOut;
  readonly keeper: StreamKeeper;
  readonly opener: StreamOpener;
  readonly sse: SseStreams;
  readonly sockets: WebSockets;
  readonly graphql: Graphql;
  readonly presence: Presence;
  readonly pendingEdits: PendingEdits;
  readonly longPoll: LongPoll;
  readonly admissions: Admissions;
  readonly connections: Connections;
  readonly cluster: GatewayCluster;
  readonly explainer: Explainer;
  /** Reads a GraphQL operation for whoever asks. */
  readonly readOperation: (reader: Reader, operation: GraphqlRequest) => ReadOperation;
  readonly metrics: GatewayMetrics;
  /** Feeds for the subscribers that are reached through the channel; not started. */
  readonly openFeeds: (channel: ClientChannel) => Feeds;
}

/** Connections written to in one turn: some 10 us each, so that a turn stays in the low milliseconds. */
const SLICE_SIZE = 200;
const JOIN_WINDOW_MS = 5;
/** Unsent events of one stream, beside the bytes of its budget. */
const MAX_QUEUED_EVENTS = 10_000;
/** A socket that has not taken a byte for so long belongs to nobody any more. */
const STALL_MS = 30_000;
/** Bytes of the events of one message over NATS, which takes 2 MiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const SCAN_LIMITS = Object.freeze({ perProcess: 2000, perPrincipal: 200 });

export function createGateway(config: GatewayConfig, dependencies: GatewayDependencies): Gateway {
  const { bus, clock, logger, leases, random = Math.random } = dependencies;
  const freshness = new Freshness({ clock, limitMs: config.TIDEWIRE_STALENESS_LIMIT_MS });
  const ring = new ReplayRing({
    maxEvents: config.TIDEWIRE_REPLAY_RING_EVENTS,
    maxBytes: config.TIDEWIRE_REPLAY_RING_BYTES,
  });
  const gate = new ReplayGate({
    perPrincipal: config.TIDEWIRE_REPLAYS_PER_USER,
    total: config.TIDEWIRE_REPLAYS_AT_ONCE,
  });
  const replayLimits = {
    maxEvents: config.TIDEWIRE_REPLAY_LIMIT_EVENTS,
    maxBytes: config.TIDEWIRE_REPLAY_LIMIT_BYTES,
  };
  const fanOut = createFanOut(config, dependencies, {
    fresh: () => feed.fresh,
    oldest: () => feed.oldest(),
    onNoRoom: (connection) => keeper.endWithoutRoom(connection),
  });
  const metrics = createGatewayMetrics(dependencies.metrics, {
    fanOut: () => fanOut.counters(),
    resyncReasons: () => fanOut.resyncReasons,
    ring,
    replaysRunning: () => gate.running,
    staleMs: () => freshness.ageMs(),
    delivering: () => feed.fresh,
    windowMs: () => (feed.window?.firstTime === undefined ? 0 : clock.now() - feed.window.firstTime),
    unreadable: () => feed.unreadable,
    pollsWaiting: () => longPoll.waiting,
    feeds: () => feeds?.size ?? 0,
    foreignInboxes: () => feeds?.foreignInboxes ?? 0,
    connections: () => streams.openConnections,
    sockets: () => sockets.size + graphql.sockets.size,
    unknownSockets: () => graphql.sockets.strangers,
    presence: () => presence.size,
    pendingEdits: {
      get size() {
        return pendingEdits.size;
      },
      get told() {
        return pendingEdits.told;
      },
    },
  });
  const keeper = new StreamKeeper({
    fanOut,
    clock,
    random,
    onEnd: (code) => metrics.streamEnds.inc({ code }),
    onRenewal: ({ principalId }) =>
      presence.rightsChanged(new Set(principalId === null ? [] : [principalId])),
    oldest: () => feed.oldest(),
    fresh: () => feed.fresh,
    staleLimitMs: config.TIDEWIRE_STALE_STREAMS_MS,
    warningMs: config.TIDEWIRE_CREDENTIAL_WARNING_MS,
  });
  const { streams } = keeper;
  const rights = new RightsFeed(streams, keeper);
  const feed: LogFeed = new LogFeed({
    bus,
    clock,
    logger,
    freshness,
    ring,
    rights,
    fanOut,
    streams,
    follower: {
      onRights: (state) => presence.rightsChanged(concernedBy(state)),
      onEvent: (entry) => pendingEdits.onEvent(entry),
      behind: () => pendingEdits.behind(),
    },
    holdLimits: replayLimits,
    restartStreams: (reason, current) => keeper.restart(reason, current),
    onEvent: (message) => observeLag(metrics, clock, message.time),
  });
  const slots = new ConnectionSlots(
    {
      perPrincipal: config.TIDEWIRE_MAX_CONNECTIONS_PER_USER,
      anonymous: config.TIDEWIRE_MAX_ANONYMOUS_CONNECTIONS,
      perProcess: config.TIDEWIRE_MAX_CONNECTIONS,
    },
    leases,
  );
  const maxAgeMs = config.TIDEWIRE_MAX_CONNECTION_AGE_MS;
  const opener = new StreamOpener({ feed, rights, fanOut, keeper, slots, clock, random, maxAgeMs });
  const transports = {
    opener,
    fanOut,
    keeper,
    slots,
    gate,
    replay: {
      bus,
      ring,
      fanOut,
      view: () => rights.view,
      fresh: () => feed.fresh,
      now: () => clock.monotonic(),
      limits: replayLimits,
    },
    clock,
    logger,
    onReplay: (outcome: ReplayOutcome, durationMs: number) => observeReplay(metrics, outcome, durationMs),
  };
  const maxSubscriptions = config.TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION;
  const sse = new SseStreams({ ...transports, maxSubscriptions });
  const presence = new Presence({
    bus,
    clock,
    logger,
    instance: dependencies.instance,
    leases,
    view: () => rights.view,
    delivering: () => feed.fresh,
    replicas: config.TIDEWIRE_LOG_REPLICAS,
  });
  const pendingEdits = new PendingEdits({
    bus,
    ring,
    feed,
    view: () => rights.view,
    scheduler: createScheduler(clock),
    logger,
  });
  const renew = async (stream: Stream, secret: string): Promise<number | null> => {
    const { address } = stream;
    const admission = await admissions.admit({ source: 'bearer', type: 'token', secret, address });
    const fresh = (): boolean => feed.fresh;
    renewWith({ keeper, rights, fresh, epoch: () => feed.epoch, clock }, stream, admission);
    return admission.expiresAt;
  };
  const sockets: WebSockets = new WebSockets({
    ...transports,
    random,
    maxSubscriptions,
    presence,
    pendingEdits,
    renew,
  });
  const longPoll: LongPoll = new LongPoll({
    ...transports,
    maxBytes: config.TIDEWIRE_CONNECTION_BUDGET_BYTES,
    onAnswer: (answer) => observePoll(metrics, answer),
  });
  const admissions = createAdmissions(dependencies, feed, rights);
  const parts = { feed, rights, keeper, metrics };
  const { connections, cluster } = createConnections(dependencies, parts);
  const catalogue = new CurrentCatalogue();
  const read: Gateway['readOperation'] = (reader, operation) =>
    readOperation(catalogue, rights.view, reader, operation);
  const graphql: Graphql = createGraphql(config, {
    ...transports,
    bus,
    instance: dependencies.instance,
    random,
    renew,
    admit: admissions.admit,
    readOperation: read,
    onRefusal: (code) => metrics.refusals.inc({ code }),
  });
  let feeds: Feeds | undefined;
  const openFeeds = (channel: ClientChannel): Feeds => {
    const subscribers = {
      ...transports,
      channel,
      instance: dependencies.instance,
      admissions: admissions.subscribers,
      maxTopics: maxSubscriptions,
    };
    const store = openFeedGroupStore(bus, {
      bucket: FEED_GROUPS_BUCKET,
      replicas: config.TIDEWIRE_LOG_REPLICAS,
    });
    const listAlive: FeedGroupsOptions['listAlive'] = () => leases()?.listAlive();
    feeds = new Feeds({
      ...subscribers,
      groups: new FeedGroups({ ...subscribers, bus, store, listAlive }),
      longPoll: new LongPoll({
        ...transports,
        maxBytes: Math.min(config.TIDEWIRE_CONNECTION_BUDGET_BYTES, MAX_MESSAGE_BYTES),
        onAnswer: (answer) => observePoll(metrics, answer),
      }),
      onRefusal: (code) => metrics.refusals.inc({ code }),
    });
    return feeds;
  };
  const explainer = new Explainer({ bus, feed, ring, view: () => rights.view, clock });
  return {
    feed,
    rights,
    fanOut,
    keeper,
    opener,
    sse,
    sockets,
    graphql,
    presence,
    pendingEdits,
    longPoll,
    admissions,
    connections,
    cluster,
    explainer,
    readOperation: read,
    metrics,
    openFeeds,
  };
}

/** The connections of this gateway, and its part in those of all. */
function createConnections(
  { bus, clock, logger, leases, instance }: GatewayDependencies,
  { feed, rights, keeper, metrics }: Pick<Gateway, 'feed' | 'rights' | 'keeper' | 'metrics'>,
): Pick<Gateway, 'connections' | 'cluster'> {
  const connections = new Connections({
    registry: new ConnectionRegistry({ keeper, view: () => rights.view, instance }),
    cluster: () => cluster,
    keeper,
    rights,
    instance,
    clock,
    epoch: () => feed.epoch,
    fresh: () => feed.fresh,
    onRenewal: (outcome) => metrics.renewals.inc({ outcome }),
  });
  const cluster = new GatewayCluster({
    bus,
    logger,
    answer: (request) => connections.answer(request),
    listAlive: () => leases()?.listAlive(),
  });
  return { connections, cluster };
}

/** Who asks: for streams, authz each time; for polls, which come again and again, what is remembered of it. */
interface Admissions {
  readonly admit: (given: GivenCredential) => Promise<Admission>;
  readonly again: AdmissionCache<GivenCredential>;
  /** Those whom NATS vouches for. */
  readonly subscribers: SubscriberAdmissions;
}

function createAdmissions(
  { bus, clock }: GatewayDependencies,
  feed: LogFeed,
  rights: RightsFeed,
): Admissions {
  const view = (): RightsView => rights.view;
  const options = { bus, view, epoch: () => feed.epoch, clock };
  const ask = async (given: GivenCredential): Promise<Admission> => await admit(options, given);
  return {
    admit: ask,
    again: new AdmissionCache({ admit: ask, keyOf: credentialKey, view, clock }),
    subscribers: createSubscriberAdmissions(options),
  };
}

function createFanOut(
  config: GatewayConfig,
  { clock, logger }: GatewayDependencies,
  around: Pick<FanOutOptions, 'fresh' | 'oldest' | 'onNoRoom'>,
): FanOut {
  return new FanOut({
    scheduler: createScheduler(clock),
    events: {
      source: config.TIDEWIRE_EVENT_SOURCE ?? config.TIDEWIRE_PUBLIC_URL,
      typePrefix: config.TIDEWIRE_EVENT_TYPE_PREFIX,
    },
    // Nothing is known before the first snapshot; nobody is let in before that.
    start: { epoch: '00000000', sequence: 0 },
    ...around,
    joinWindowMs: JOIN_WINDOW_MS,
    sliceSize: SLICE_SIZE,
    heartbeatIntervalMs: config.TIDEWIRE_SSE_HEARTBEAT_MS,
    timeRuleResyncMs: config.TIDEWIRE_TIME_RULE_RESYNC_MS,
    budget: {
      maxQueuedBytes: config.TIDEWIRE_CONNECTION_BUDGET_BYTES,
      maxQueuedEvents: MAX_QUEUED_EVENTS,
      stallMs: STALL_MS,
    },
    scanLimits: SCAN_LIMITS,
    onFailure: (error, { sequence, message }) =>
      logger.error('event could not be judged', { sequence, schema: message.schema.id, error }),
  });
}

function observeLag(metrics: GatewayMetrics, clock: Clock, time: string): void {
  metrics.eventLag.observe(Math.max(0, clock.now() - Date.parse(time)) / 1000);
}
