import { PRE_AUTH_BUCKET, SIGNAL_SUBJECTS, formatTimestamp } from '@tidewire/contract';
import type { DeadLetter } from '@tidewire/contract';
import { Freshness, openDeadLetters, openPreAuthStore } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { unavailable } from '@tidewire/rights';
import type { Admission } from '@tidewire/rights';
import type { Clock, Logger, Metrics, Pool } from '@tidewire/service-kit';
import { ChangeReader } from './changes/change-reader.ts';
import { ChangeStore } from './changes/change-store.ts';
import { ChangeWorker } from './changes/change-worker.ts';
import { Followers } from './changes/followers.ts';
import { IdleFollowers } from './changes/idle-followers.ts';
import type { PushConfig } from './config.ts';
import { Credentials, admitIfThere } from './credentials/credentials.ts';
import { Devices } from './devices/devices.ts';
import { LiveWakeUps } from './live/live-wakeups.ts';
import { RightsLog } from './log/rights-log.ts';
import { createPushMetrics } from './metrics.ts';
import { createNextcloud } from './nextcloud/nextcloud.ts';
import type { Nextcloud } from './nextcloud/nextcloud.ts';
import { PreAuth } from './pre-auth/pre-auth.ts';
import { PushSockets } from './sockets/push-sockets.ts';
import { removeWebhooksOf } from './webhooks/webhook-repository-postgres.ts';
import { SelfTest } from './self-test/self-test.ts';
import { createWebhooks } from './webhooks/webhooks.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

export interface NotifierDependencies {
  readonly bus: MessageBus;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly random?: () => number;
}

/** The parts of a notifier, wired: log → those who are connected, and what is kept for those who are not. */
export interface Notifier {
  readonly log: RightsLog;
  readonly worker: ChangeWorker;
  readonly credentials: Credentials;
  readonly changes: ChangeReader;
  readonly sockets: PushSockets;
  readonly preAuth: PreAuth;
  /** Undefined: nothing is passed on to a Nextcloud. */
  readonly nextcloud: Nextcloud | undefined;
  readonly devices: Devices;
  readonly webhooks: Webhooks;
  readonly selfTest: SelfTest;
  /** Tells every notifier to close its sockets. */
  readonly reset: () => void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createNotifier(config: PushConfig, dependencies: NotifierDependencies): Notifier {
  const { bus, pool, clock, logger, metrics, random = Math.random } = dependencies;
  const freshness = new Freshness({ clock, limitMs: config.TIDEWIRE_STALENESS_LIMIT_MS });
  const log = new RightsLog({ bus, clock, logger, freshness });
  const view = (): RightsView => log.view;
  const fresh = (): boolean => log.fresh;
  const admissions = { bus, view, epoch: () => log.epoch, clock };
  const credentials = new Credentials(admissions);
  const followers = new Followers(admissions);
  const deadLetters = openDeadLetters(bus, { replicas: config.TIDEWIRE_LOG_REPLICAS });
  /** Also in the database, where its owner can see it; so that nobody waits for the stream. */
  const giveUp = (letter: Omit<DeadLetter, 'time'>): void => {
    const { kind, id, reason } = letter;
    logger.warn('given up', { kind, id, reason });
    void deadLetters.add({ ...letter, time: formatTimestamp(clock.now()) }).catch((error: unknown) => {
      logger.warn('a dead letter could not be stored', { kind, id, error });
    });
  };
  const devices = new Devices({
    ...admissions,
    pool,
    logger,
    random,
    fresh,
    allowPrivate: config.TIDEWIRE_PUSH_PRIVATE_TARGETS,
    subject: config.TIDEWIRE_PUSH_VAPID_SUBJECT,
    ttlSeconds: config.TIDEWIRE_PUSH_DEVICE_TTL_S,
    perHost: config.TIDEWIRE_PUSH_DEVICE_REQUESTS_PER_HOST,
    onSent: (sent) => pushMetrics.deviceMessages.inc({ outcome: sent }),
    onDeadLetter: ({ deviceId: id, principal, reason, attempts }) =>
      giveUp({ kind: 'device', id, principal, reason, attempts }),
  });
  const nextcloud = createNextcloud({
    url: config.TIDEWIRE_NEXTCLOUD_REDIS_URL,
    pool,
    admissions,
    clock,
    logger,
    random,
    follow: (client, principal) => changes.followWith(client, principal),
  });
  const store = new ChangeStore({
    pool,
    clock,
    followers,
    view,
    onFound: (client, epoch, found) => devices.note(client, epoch, found),
    onUnknown: (client, position) => devices.noteUnknown(client, position),
    onRemoved: (client, principals) => removeWebhooksOf(client, principals),
    hearers: nextcloud?.hearers,
  });
  const worker = new ChangeWorker({
    bus,
    pool,
    log,
    store,
    clock,
    logger,
    replicas: config.TIDEWIRE_LOG_REPLICAS,
    onWritten: nextcloud?.tell,
    onDone: (entries, principals) => {
      pushMetrics.entries.inc(entries);
      pushMetrics.found.inc(principals);
      devices.nudge();
    },
  });
  const changes = new ChangeReader({ pool, view, fresh, readDone: () => worker.readDone() });
  const live = new LiveWakeUps({ bus, clock, view, fresh });
  const preAuth = new PreAuth({
    store: openPreAuthStore(bus, { bucket: PRE_AUTH_BUCKET, replicas: config.TIDEWIRE_LOG_REPLICAS }),
    clock,
  });
  /** Whoever is let in is a follower first, so that nothing passes between. */
  const following = async (admission: Admission): Promise<Admission> => {
    try {
      await changes.follow(admission.reader.principalId ?? '');
      return admission;
    } catch (error) {
      admission.release();
      throw error;
    }
  };
  const sockets = new PushSockets({
    clock,
    random,
    logger,
    limits: {
      total: config.TIDEWIRE_PUSH_MAX_SOCKETS,
      strangers: config.TIDEWIRE_PUSH_MAX_UNKNOWN_SOCKETS,
      strangersPerAddress: config.TIDEWIRE_PUSH_MAX_UNKNOWN_SOCKETS_PER_ADDRESS,
    },
    maxAgeMs: config.TIDEWIRE_PUSH_MAX_SOCKET_AGE_MS,
    authenticate: async (login) => await following(await credentials.admitLogin(login)),
    redeem: async (token) => {
      const found = await preAuth.redeem(token);
      const admission = found && (await admitIfThere(admissions, found));
      return admission && (await following(admission));
    },
    mayOpen: (admission) => {
      if (!fresh()) throw unavailable('It is not known at the moment who may come in');
      return credentials.counts(admission);
    },
    onOpen: (socket) => live.add(socket),
    onClose: (socket) => live.remove(socket),
  });
  const webhooks = createWebhooks({
    pool,
    clientsUrl: config.TIDEWIRE_CLIENTS_NATS_URL,
    allowPrivate: config.TIDEWIRE_PUSH_PRIVATE_TARGETS,
    events: {
      source: config.TIDEWIRE_EVENT_SOURCE ?? config.TIDEWIRE_PUBLIC_URL,
      typePrefix: config.TIDEWIRE_EVENT_TYPE_PREFIX,
    },
    clock,
    logger,
    random,
    onAttempt: (outcome) => pushMetrics.webhookAttempts.inc({ outcome }),
    onDead: ({ webhook: id, principal, eventId: reason, attempts }) =>
      giveUp({ kind: 'webhook', id, principal, reason, attempts }),
  });
  const pushMetrics = createPushMetrics(metrics, {
    sockets,
    followers,
    webhooks,
    nextcloud: nextcloud && (() => nextcloud.counters),
    fresh,
  });
  const idle = new IdleFollowers({ pool, clock, logger, days: config.TIDEWIRE_PUSH_FOLLOWER_IDLE_DAYS });
  const selfTest = new SelfTest({ bus, admissions });
  let offReset = (): void => undefined;
  log.follow(followers.log);
  log.follow(live.log);
  if (nextcloud !== undefined) log.follow(nextcloud.log);
  return {
    log,
    worker,
    credentials,
    changes,
    sockets,
    preAuth,
    nextcloud,
    devices,
    webhooks,
    selfTest,
    reset: () => bus.signal(SIGNAL_SUBJECTS.pushReset),
    async start() {
      offReset = bus.onSignal(SIGNAL_SUBJECTS.pushReset, () => sockets.endAll());
      live.start();
      selfTest.start();
      nextcloud?.start();
      await log.start();
      worker.start();
      devices.start();
      webhooks.start();
      idle.start();
    },
    async stop() {
      offReset();
      selfTest.stop();
      idle.stop();
      sockets.stop();
      live.stop();
      await worker.stop();
      await nextcloud?.stop();
      await devices.stop();
      await webhooks.stop();
      await log.stop();
      followers.stop();
      credentials.stop();
    },
  };
}
