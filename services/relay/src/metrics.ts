import type { Metrics } from '@tidewire/service-kit';

/** What the relay tells about itself. Names are in the README. */
export function createRelayMetrics(metrics: Metrics) {
  return {
    published: metrics.counter({
      name: 'published_events_total',
      help: 'Events stored in the log and acknowledged.',
    }),
    publishedBytes: metrics.counter({
      name: 'published_bytes_total',
      help: 'Payload bytes of those events.',
    }),
    batchSize: metrics.histogram({
      name: 'batch_size_events',
      help: 'Events in one publication.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 500],
    }),
    publishSeconds: metrics.histogram({
      name: 'publish_duration_seconds',
      help: 'Time from fetching rows to having deleted them.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    }),
    flushes: metrics.counter({
      name: 'flushes_total',
      help: 'Publications whose rows were on disk already (skipped) or had to be flushed first (done).',
      labels: ['result'],
    }),
    unencodable: metrics.counter({
      name: 'unencodable_rows_total',
      help: 'Rows published without images because they do not fit into the log. Alarm when it rises.',
    }),
    reconciliations: metrics.counter({
      name: 'reconciliations_total',
      help: 'Comparisons of database and log: clean, adopted (a publication in doubt was found stored), new_epoch.',
      labels: ['outcome'],
    }),
    doubts: metrics.counter({
      name: 'doubts_total',
      help: 'Publications refused or without an answer.',
    }),
    leader: metrics.gauge({ name: 'leader', help: '1 while this process leads, 0 while it stands by.' }),
    epoch: metrics.gauge({ name: 'epoch_info', help: '1 for the epoch of the log.', labels: ['epoch'] }),
    sequence: metrics.gauge({ name: 'log_sequence', help: 'Sequence of the newest event in the log.' }),
    backlogAge: metrics.gauge({
      name: 'backlog_age_seconds',
      help: 'Age of the newest instant before which every commit is in the log.',
    }),
    backlogRows: metrics.gauge({ name: 'backlog_rows', help: 'Rows in the outbox, estimated.' }),
    deadRows: metrics.gauge({
      name: 'outbox_dead_rows',
      help: 'Published rows that PostgreSQL could not remove yet; rises while somebody holds an old snapshot.',
    }),
    transactionLag: metrics.gauge({
      name: 'oldest_transaction_lag',
      help: 'Transactions begun since the oldest one that still runs.',
    }),
    retained: metrics.gauge({
      name: 'log_retained_seconds',
      help: 'Age of the oldest event that can be replayed.',
    }),
    logBytes: metrics.gauge({ name: 'log_bytes', help: 'Size of the log.' }),
  };
}

export type RelayMetrics = ReturnType<typeof createRelayMetrics>;
