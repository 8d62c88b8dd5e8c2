import type { LogPosition } from '@tidewire/contract';
import { BusUnavailableError, StreamRefusedError } from '@tidewire/messaging';
import type { LogWriter } from '@tidewire/messaging';
import type { Clock, Logger } from '@tidewire/service-kit';
import { BatchSource } from './batch-source.ts';
import type { Batch } from './batch-source.ts';
import { encodeRow } from './batch.ts';
import type { BeatSource } from './beat.ts';
import type { RelayMetrics } from './metrics.ts';
import type { OutboxRepository } from './outbox-repository.ts';
import { reconcile } from './reconcile.ts';
import { pause } from './wake-up.ts';
import type { WakeUp } from './wake-up.ts';

/** What the loop works with while this process leads. */
export interface RelayLoopDependencies {
  readonly repository: OutboxRepository;
  readonly writer: LogWriter;
  /** Largest message that the server takes, in bytes. */
  readonly maxPayload: () => number;
  /** Resolves when the bus is connected; rejects when the signal aborts. */
  readonly untilConnected: (signal: AbortSignal) => Promise<void>;
  /** Rises whenever the connection to the bus was lost: afterwards the store behind it may be another one. */
  readonly interruptions: () => number;
  readonly wakeUp: WakeUp;
  readonly beat: BeatSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly pollMs: number;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;
const CONFIRM_PAUSE_MS = 500;
const VERIFY_INTERVAL_MS = 2000;

/**
 * Publishes the outbox for as long as this process leads: reconcile, then one publication after another, each of
 * which is deleted from the outbox in a durable commit before the next one is sent. Whatever the bus refuses or leaves
 * open leads back to reconcile; whatever the database does ends the lead.
 *
 * Returns when the signal aborts, between two publications. @throws when the database connection fails.
 */
export async function runRelayLoop(dependencies: RelayLoopDependencies, signal: AbortSignal): Promise<void> {
  const { beat, logger, metrics } = dependencies;
  let pauseMs = FIRST_PAUSE_MS;
  const progress = { published: 0 };
  let publishedBefore = 0;
  try {
    while (!signal.aborted) {
      try {
        await dependencies.untilConnected(signal);
        const interruptions = dependencies.interruptions();
        await configure(dependencies);
        const position = await settle(dependencies, signal);
        const isInterrupted = (): boolean => dependencies.interruptions() !== interruptions;
        await publishAll(
          { ...dependencies, progress },
          position,
          () => signal.aborted || isInterrupted(),
          signal,
        );
        beat.forget();
      } catch (error) {
        beat.forget();
        if (signal.aborted) return;
        if (!(error instanceof BusUnavailableError || error instanceof StreamRefusedError)) throw error;
        metrics.doubts.inc();
        // Comparing may well succeed each time while the log takes nothing: only progress shortens the pause.
        if (progress.published !== publishedBefore) pauseMs = FIRST_PAUSE_MS;
        publishedBefore = progress.published;
        logger.warn('the log did not take a publication', { error, delayMs: pauseMs });
        // Not ended by a poke: writers go on, and each of them would make us try at once.
        await pause(pauseMs * (0.75 + Math.random() / 2), signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  } finally {
    beat.forget();
  }
}

/** Settings that cannot be applied (more replicas than servers, say) are no reason to stand still. */
async function configure({ writer, logger }: RelayLoopDependencies): Promise<void> {
  try {
    await writer.configure();
  } catch (error) {
    if (!(error instanceof StreamRefusedError)) throw error;
    logger.error('the settings of the log were refused', { error });
  }
}

async function settle(dependencies: RelayLoopDependencies, signal: AbortSignal): Promise<LogPosition> {
  const { repository, writer, clock, logger, metrics } = dependencies;
  const { position, adopted, newEpoch } = await reconcile({
    repository,
    writer,
    now: () => clock.now(),
    pause: async () => {
      await pause(CONFIRM_PAUSE_MS, signal);
      signal.throwIfAborted();
    },
  });
  if (newEpoch !== undefined) {
    logger.warn('the log begins a new epoch', { reason: newEpoch, ...position });
    metrics.epoch.reset();
  }
  metrics.reconciliations.inc({
    outcome: newEpoch !== undefined ? 'new_epoch' : adopted > 0 ? 'adopted' : 'clean',
  });
  metrics.published.inc(adopted);
  metrics.epoch.set({ epoch: position.epoch }, 1);
  metrics.sequence.set(position.sequence);
  return position;
}

async function publishAll(
  dependencies: RelayLoopDependencies & { readonly progress: { published: number } },
  start: LogPosition,
  isOver: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { repository, beat, clock, wakeUp, pollMs } = dependencies;
  const source = new BatchSource(repository, () => clock.monotonic());
  let position = start;
  let verifiedAt = clock.monotonic();
  while (!isOver()) {
    const batch = await source.next();
    if (batch.rows.length > 0) {
      position = await publish(dependencies, batch, position);
      dependencies.progress.published += batch.rows.length;
      beat.noteCovered(position, batch.coversUntil);
      continue;
    }
    if (clock.monotonic() - verifiedAt > VERIFY_INTERVAL_MS) {
      await verify(dependencies, position);
      verifiedAt = clock.monotonic();
    }
    if (isOver()) return;
    beat.noteCovered(position, batch.coversUntil);
    await wakeUp.sleep(pollMs, signal);
  }
}

/** A publication would find out by itself; a quiet relay must not go on saying where a lost log ended. */
async function verify({ writer }: RelayLoopDependencies, position: LogPosition): Promise<void> {
  const info = await writer.find();
  if (info?.epoch !== position.epoch || info.last !== position.sequence) {
    throw new BusUnavailableError('the log is not where it was left');
  }
}

async function publish(
  { repository, writer, maxPayload, clock, logger, metrics }: RelayLoopDependencies,
  batch: Batch,
  from: LogPosition,
): Promise<LogPosition> {
  const startedAt = clock.monotonic();
  // A row can be visible before its commit is on disk; an event of a write that a crash undoes must never exist.
  metrics.flushes.inc({ result: batch.flushed ? 'skipped' : 'done' });
  if (!batch.flushed) await repository.flush();
  const limit = maxPayload();
  const events = batch.rows.map((row) => encodeRow(row, limit));
  const last = await writer.publish({ events, epoch: from.epoch, expectedLast: from.sequence });
  const to = { epoch: from.epoch, sequence: last, rowUuid: events.at(-1)?.outboxId ?? '' };
  await repository.commit({ ids: batch.rows.map((row) => row.id), from, to });
  metrics.published.inc(events.length);
  metrics.publishedBytes.inc(events.reduce((sum, event) => sum + event.payload.length, 0));
  metrics.batchSize.observe(events.length);
  metrics.publishSeconds.observe((clock.monotonic() - startedAt) / 1000);
  metrics.sequence.set(last);
  for (const event of events) {
    if (!event.unencodable) continue;
    metrics.unencodable.inc();
    logger.error('a row was published without images', { subject: event.subject, id: event.outboxId });
  }
  return { epoch: to.epoch, sequence: to.sequence };
}
