import type { Metrics } from '@tidewire/service-kit';
import type { SubscriberService } from './subscribers/subscriber-service.ts';
import type { OutboxPressure } from './objects/outbox-pressure.ts';
import type { RightsFeed } from './rights/rights-feed.ts';

/** Where the gauges are read from at each scrape. */
export interface MetricSources {
  readonly feed: RightsFeed;
  readonly pressure: OutboxPressure;
  /** Undefined where none are answered. */
  readonly subscribers: () => SubscriberService | undefined;
}

/** What the service counts itself. */
export interface RecordsMetrics {
  readonly trashEmptied: (count: number) => void;
  /** `none`: nothing was executed. */
  readonly graphqlAnswered: (type: 'query' | 'mutation' | 'subscription' | 'none', outcome: string) => void;
  readonly subscriberAnswered: (kind: string, outcome: string) => void;
}

/** Declares what only this service measures; requests are measured by the HTTP server. */
export function createRecordsMetrics(metrics: Metrics, sources: MetricSources): RecordsMetrics {
  metrics.gauge({
    name: 'rights_age_seconds',
    help: 'Age of the newest rights that requests are judged by; +Inf before the first beat.',
    collect: (gauge) => gauge.set(sources.feed.ageMs() / 1000),
  });
  metrics.gauge({
    name: 'outbox_bytes',
    help: 'Bytes of events waiting for the log, at the last write.',
    collect: (gauge) => gauge.set(sources.pressure.bytes),
  });
  const emptied = metrics.counter({
    name: 'trash_emptied_total',
    help: 'Last images of deleted objects that were removed because their time was over.',
  });
  const answered = metrics.counter({
    name: 'graphql_operations_total',
    help: 'Requests of GraphQL, by what was executed and how it ended: data, errors, refused.',
    labels: ['type', 'outcome'],
  });
  metrics.gauge({
    name: 'subscribers_connected',
    help: 'Whether there is a connection into the account of the subscribers on NATS: 1 or 0.',
    collect: (gauge) => gauge.set(sources.subscribers()?.connected === true ? 1 : 0),
  });
  metrics.counter({
    name: 'foreign_inboxes_total',
    help: 'Requests on NATS that asked for an answer elsewhere than in an inbox of the asker; none was sent.',
    collect: (counter) => counter.inc(sources.subscribers()?.foreignInboxes ?? 0),
  });
  const subscriberRequests = metrics.counter({
    name: 'subscriber_requests_total',
    help: 'Requests on NATS that were answered, by what was asked and how it ended: ok or the code of the refusal.',
    labels: ['kind', 'outcome'],
  });
  return {
    trashEmptied: (count) => emptied.inc(count),
    graphqlAnswered: (type, outcome) => answered.inc({ type, outcome }),
    subscriberAnswered: (kind, outcome) => subscriberRequests.inc({ kind, outcome }),
  };
}
