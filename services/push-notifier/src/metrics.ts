import type { Counter, Metrics } from '@tidewire/service-kit';
import type { PublisherCounters } from './nextcloud/redis-publisher.ts';
import type { PushSocketCounters } from './sockets/push-sockets.ts';

/** Where gauges and running totals are read from at each scrape. */
export interface PushMetricSources {
  readonly sockets: {
    readonly size: number;
    readonly users: number;
    readonly strangers: number;
    readonly counters: PushSocketCounters;
  };
  readonly followers: { readonly size: number };
  readonly webhooks: { readonly held: number };
  /** Undefined: nothing is passed on to a Nextcloud. */
  readonly nextcloud: (() => PublisherCounters) | undefined;
  /** Whether rights are those of now. */
  readonly fresh: () => boolean;
}

export interface PushMetrics {
  readonly entries: Counter;
  readonly found: Counter;
  readonly deviceMessages: Counter<'outcome'>;
  readonly webhookAttempts: Counter<'outcome'>;
}

/**
 * Declares the notifier's metrics, and those that notify_push has under the names that its dashboards know. Labels have few
 * values by design: never a principal, an id or a topic.
 */
export function createPushMetrics(
  metrics: Metrics,
  { sockets, followers, webhooks, nextcloud, fresh }: PushMetricSources,
): PushMetrics {
  const known = { isKnownName: true } as const;
  metrics.gauge({
    ...known,
    name: 'active_connection_count',
    help: 'Push sockets whose clients were let in.',
    collect: (gauge) => gauge.set(sockets.size),
  });
  metrics.gauge({
    ...known,
    name: 'active_user_count',
    help: 'Principals that have a push socket.',
    collect: (gauge) => gauge.set(sockets.users),
  });
  metrics.counter({
    ...known,
    name: 'total_connection_count',
    help: 'Push sockets that were let in since the start.',
    collect: (counter) => counter.inc(sockets.counters.opened),
  });
  metrics.counter({
    ...known,
    name: 'message_count_total',
    help: 'Messages sent on push sockets, by their type.',
    labels: ['type'],
    collect: (counter) => {
      for (const [type, count] of Object.entries(sockets.counters.sent)) counter.inc({ type }, count);
    },
  });
  metrics.gauge({
    name: 'unknown_sockets',
    help: 'Push sockets whose clients have not said who they are.',
    collect: (gauge) => gauge.set(sockets.strangers),
  });
  metrics.gauge({
    name: 'followers',
    help: 'Principals for whom changes are kept, as this process knows.',
    collect: (gauge) => gauge.set(followers.size),
  });
  metrics.gauge({
    name: 'webhooks',
    help: 'Webhooks that this process delivers.',
    collect: (gauge) => gauge.set(webhooks.held),
  });
  metrics.counter({
    name: 'nextcloud_messages_total',
    help: 'Messages for the Redis of a Nextcloud: published, of those unheard (nobody listens there), and dropped.',
    labels: ['outcome'],
    collect: (counter) => {
      for (const [outcome, count] of Object.entries(nextcloud?.() ?? {})) counter.inc({ outcome }, count);
    },
  });
  metrics.gauge({
    name: 'delivering',
    help: '1 while rights are those of now, so that clients are told.',
    collect: (gauge) => gauge.set(fresh() ? 1 : 0),
  });
  return {
    entries: metrics.counter({
      ...known,
      name: 'event_count_total',
      help: 'Entries of the log that this process dealt with.',
    }),
    webhookAttempts: metrics.counter({
      name: 'webhook_attempts_total',
      help: 'Requests to endpoints of webhooks, by what came of them: delivered, failed, dead, gone.',
      labels: ['outcome'],
    }),
    deviceMessages: metrics.counter({
      name: 'device_messages_total',
      help: 'Messages for devices, by what became of them: delivered, gone, dropped, retried, dead.',
      labels: ['outcome'],
    }),
    found: metrics.counter({
      name: 'changes_total',
      help: 'Principals for whom something new was written down, counted once for each batch.',
    }),
  };
}
