import { queueGroup } from '@tidewire/contract';
import { answerConnects, connectBus, readAccountKey } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import type { Authenticator } from '../authenticator.ts';
import type { AuthzConfig } from '../config.ts';
import type { AuthzMetrics } from '../metrics.ts';
import { ConnectionEnder } from './connection-ender.ts';
import { Departures } from './departures.ts';
import { createFailureLimit } from './failure-limit.ts';
import { RefusalLog } from './refusal-log.ts';
import type { SubscriberName } from './subscriber-user.ts';
import { createSubscriberAdmission } from './subscriber-admission.ts';

/** Lets subscribers in to NATS and ends their connections. */
export interface Callout {
  /** Ends the connections of a credential, and resolves when they are ended; at the latest when nobody can wait longer. */
  endNow(name: SubscriberName): Promise<void>;
  /** Takes no more questions, answers those at hand, and lets go of NATS. */
  stop(): Promise<void>;
}

export interface CalloutOptions {
  readonly config: AuthzConfig;
  readonly pool: Pool;
  /** In the platform's account. */
  readonly bus: MessageBus;
  readonly authenticate: Authenticator;
  readonly metrics: AuthzMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Undefined without a seed: this installation has no subscribers on NATS. */
export async function openCallout(options: CalloutOptions): Promise<Callout | undefined> {
  const { config, clock, logger, metrics } = options;
  const { TIDEWIRE_CALLOUT_NATS_URL: url, TIDEWIRE_CALLOUT_SEED: seed } = config;
  if (seed === undefined) {
    if (url !== undefined) logger.warn('nobody is let in to NATS: there is no TIDEWIRE_CALLOUT_SEED');
    return undefined;
  }
  if (url === undefined)
    throw new Error('TIDEWIRE_CALLOUT_SEED is of no use without TIDEWIRE_CALLOUT_NATS_URL');
  const key = readAccountKey(seed);
  const system = await connectBus({ url, user: 'authz-callout', logger });
  const refusals = new RefusalLog(options);
  refusals.start();
  const admit = createSubscriberAdmission({
    ...options,
    limit: createFailureLimit(clock, config.TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS),
    onRefusal: (refusal) => refusals.note(refusal),
    userTtlMs: config.TIDEWIRE_NATS_USER_TTL_S * 1000,
  });
  const stopAnswering = answerConnects(system, {
    key,
    queue: queueGroup('authz'),
    decide: admit,
    onDropped: (reason) => {
      metrics.connects.inc({ outcome: 'refused' });
      metrics.connectRefusals.inc({ reason });
    },
    clock,
  });
  const ender = new ConnectionEnder({ ...options, bus: system });
  const departures = new Departures({ ...options, ender });
  departures.start();
  const stop = async (): Promise<void> => {
    await stopAnswering();
    await departures.stop();
    ender.stop();
    await system.drain();
    await refusals.stop();
  };
  let stopped: Promise<void> | undefined;
  return { endNow: (name) => ender.endNow(name), stop: () => (stopped ??= stop()) };
}
