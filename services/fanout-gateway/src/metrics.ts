import type { ResyncReason } from '@tidewire/contract';
import type { Counter, Gauge, Histogram, Metrics } from '@tidewire/service-kit';
import type { FanOutCounters } from './fanout/fan-out.ts';
import type { ReplayOutcome } from './replay/replay.ts';
import type { PollAnswer } from './transports/poll-sink.ts';

/** Where the gauges and running totals are read from at each scrape. */
export interface MetricSources {
  readonly fanOut: () => FanOutCounters;
  readonly resyncReasons: () => ReadonlyMap<ResyncReason, number>;
  readonly ring: { readonly size: number; readonly bytes: number };
  readonly replaysRunning: () => number;
  readonly pollsWaiting: () => number;
  readonly connections: () => number;
  readonly sockets: () => number;
  readonly unknownSockets: () => number;
  readonly presence: () => { readonly pages: number; readonly stays: number };
  readonly pendingEdits: { readonly size: number; readonly told: number };
  /** Age of what is known of the log, milliseconds. */
  readonly staleMs: () => number;
  /** Whether rights are those of now, so that events are delivered. */
  readonly delivering: () => boolean;
  /** How far back the log reaches, milliseconds. */
  readonly windowMs: () => number;
  readonly unreadable: () => number;
  /** Streams of messages over NATS. */
  readonly feeds: () => number;
  readonly foreignInboxes: () => number;
}

export interface GatewayMetrics {
  readonly streamEnds: Counter<'code'>;
  readonly replays: Counter<'outcome'>;
  readonly replaySeconds: Histogram;
  readonly replayedEvents: Counter;
  readonly refusals: Counter<'code'>;
  readonly renewals: Counter<'outcome'>;
  readonly polls: Counter;
  readonly polledEvents: Counter;
  readonly eventLag: Histogram;
  readonly subscribersConnected: Gauge;
  readonly subscriberRequests: Counter<'kind' | 'outcome'>;
}

/** Declares the gateway's metrics. Labels have few values by design: never a principal, an id or a topic. */
export function createGatewayMetrics(metrics: Metrics, sources: MetricSources): GatewayMetrics {
  declareGauges(metrics, sources);
  declareTotals(metrics, sources);
  return {
    streamEnds: metrics.counter({
      name: 'stream_ends_total',
      help: 'Streams that the gateway ended, by the code it gave.',
      labels: ['code'],
    }),
    replays: metrics.counter({
      name: 'replays_total',
      help: 'Streams brought up to date from a cursor: complete, or the reason of the resync instead.',
      labels: ['outcome'],
    }),
    replaySeconds: metrics.histogram({
      name: 'replay_duration_seconds',
      help: 'Time from the begin of a replay to live delivery.',
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    }),
    replayedEvents: metrics.counter({ name: 'replayed_events_total', help: 'Events written by replays.' }),
    polls: metrics.counter({
      name: 'polls_total',
      help: 'Long polls that were answered: with events, with a resync, or empty.',
      labels: ['outcome'],
    }),
    polledEvents: metrics.counter({ name: 'polled_events_total', help: 'Events of answers to long polls.' }),
    refusals: metrics.counter({
      name: 'refusals_total',
      help: 'Requests for streams and polls that were refused or ended without an answer, by code.',
      labels: ['code'],
    }),
    subscribersConnected: metrics.gauge({
      name: 'subscribers_connected',
      help: 'Whether there is a connection into the account of the subscribers on NATS: 1 or 0.',
    }),
    subscriberRequests: metrics.counter({
      name: 'subscriber_requests_total',
      help: 'Requests on NATS that were answered, by what was asked and how it ended: ok or the code of the refusal.',
      labels: ['kind', 'outcome'],
    }),
    renewals: metrics.counter({
      name: 'connection_renewals_total',
      help: 'Connections that were to be renewed by another credential, by outcome.',
      labels: ['outcome'],
    }),
    eventLag: metrics.histogram({
      name: 'event_lag_seconds',
      help: 'Time from the write of an event to its delivery here, of sampled events; two clocks are compared.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    }),
  };
}

/** Takes note of an answered poll. */
export function observePoll(
  metrics: GatewayMetrics,
  { outcome, events }: Pick<PollAnswer, 'outcome' | 'events'>,
): void {
  metrics.polls.inc({ outcome });
  metrics.polledEvents.inc(events);
}

/** Takes note of a replay's end. */
export function observeReplay(metrics: GatewayMetrics, outcome: ReplayOutcome, durationMs: number): void {
  metrics.replaySeconds.observe(durationMs / 1000);
  metrics.replays.inc({ outcome: 'resync' in outcome ? outcome.resync : 'complete' });
  if ('events' in outcome) metrics.replayedEvents.inc(outcome.events);
}

function declareGauges(metrics: Metrics, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, collect: (target) => target.set(read()) });
  };
  const counts = (): FanOutCounters => sources.fanOut();
  gauge('connections', 'Open streams, sockets and waiting polls.', sources.connections);
  gauge('sockets', 'Open WebSockets.', sources.sockets);
  gauge('unknown_sockets', 'Open WebSockets whose client is yet to say who it is.', sources.unknownSockets);
  gauge('presence_pages', 'Pages that somebody here is on.', () => sources.presence().pages);
  gauge(
    'presence_stays',
    'Connections on pages, counted once for each page.',
    () => sources.presence().stays,
  );
  gauge('pending_edits', 'Records that somebody here is editing.', () => sources.pendingEdits.size);
  gauge('subscriptions', 'Running subscriptions.', () => counts().subscriptions);
  gauge('view_classes', 'Groups of subscribers who see the same.', () => counts().classes);
  gauge('view_classes_scanned', 'View classes that no index finds.', () => counts().scannedClasses);
  gauge('polls_waiting', 'Long polls that were not answered yet.', sources.pollsWaiting);
  gauge('feeds', 'Running feeds over NATS.', sources.feeds);
  gauge('replays_running', 'Replays that run now.', sources.replaysRunning);
  gauge('ring_events', 'Events kept in memory for replay.', () => sources.ring.size);
  gauge('ring_bytes', 'Bytes kept in memory for replay.', () => sources.ring.bytes);
  gauge('staleness_seconds', 'Age of what is known of the log.', () => sources.staleMs() / 1000);
  gauge(
    'delivering',
    '1 while events are delivered, 0 while rights cannot be confirmed as those of now.',
    () => (sources.delivering() ? 1 : 0),
  );
  gauge('log_window_seconds', 'How far back clients can resume.', () => sources.windowMs() / 1000);
}

/** Totals that the parts count themselves, because a call per delivery would cost more than the rest of it. */
function declareTotals(metrics: Metrics, sources: MetricSources): void {
  const total = (name: string, help: string, read: () => number): void => {
    metrics.counter({ name, help, collect: (target) => target.inc(read()) });
  };
  const counts = (): FanOutCounters => sources.fanOut();
  total('events_total', 'Events of objects applied.', () => counts().events);
  total('judgements_total', 'Judgements of an event for a class.', () => counts().judged);
  total('encodings_total', 'Frames encoded.', () => counts().encoded);
  total('deliveries_total', 'Events given to streams.', () => counts().deliveries);
  total('writes_total', 'Writes to sockets.', () => counts().writes);
  total('written_bytes_total', 'Bytes written to sockets.', () => counts().bytes);
  total('heartbeats_total', 'Heartbeats written.', () => counts().heartbeats);
  total('resets_total', 'Streams reset because they did not drain.', () => counts().resets);
  total('failures_total', 'Events that could not be judged or encoded for a class.', () => counts().failures);
  total('conflicts_total', 'Conflicts told to who edits a record.', () => sources.pendingEdits.told);
  total(
    'foreign_inboxes_total',
    'Requests over NATS that asked for answers in an inbox of somebody else; they get none.',
    sources.foreignInboxes,
  );
  total('unreadable_entries_total', 'Log entries that this version could not read.', sources.unreadable);
  metrics.counter({
    name: 'resyncs_total',
    help: 'Times that a stream was told to fetch again, by reason.',
    labels: ['reason'],
    collect: (target) => {
      for (const [reason, count] of sources.resyncReasons()) target.inc({ reason }, count);
    },
  });
}
