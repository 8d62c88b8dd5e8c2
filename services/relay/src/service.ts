import { BEAT_INTERVAL_MS, SIGNAL_SUBJECTS } from '@tidewire/contract';
import { connectBus, openLogWriter, untilConnected } from '@tidewire/messaging';
import type { LogWriter, MessageBus } from '@tidewire/messaging';
import { drainServer, listen, resolveDependencies } from '@tidewire/service-kit';
import type { HttpServer, Readiness, Service, ServiceDependencies, Timer } from '@tidewire/service-kit';
import { BEAT_SUBJECT, BeatSource } from './beat.ts';
import type { Config } from './config.ts';
import { openLeaderSession } from './leader-session-postgres.ts';
import type { LeaderSession } from './leader-session-postgres.ts';
import { runLeadership } from './leadership.ts';
import type { Standing } from './leadership.ts';
import { createRelayMetrics } from './metrics.ts';
import type { RelayMetrics } from './metrics.ts';
import { createOutboxRepository } from './outbox-repository-postgres.ts';
import type { OutboxRepository } from './outbox-repository.ts';
import { runRelayLoop } from './relay-loop.ts';
import { requireServer } from './requirements.ts';
import { createServer } from './server.ts';
import { WakeUp } from './wake-up.ts';

const MEASURE_INTERVAL_MS = 5000;

/** The relay: outbox in, log out. Any number may run; one leads, the others stand by. */
export function createService(config: Config, given?: Partial<ServiceDependencies>): Service {
  return new Relay(config, resolveDependencies('relay', config, given));
}

class Relay implements Service {
  address: string | undefined;
  readonly #config: Config;
  readonly #dependencies: ServiceDependencies;
  readonly #metrics: RelayMetrics;
  readonly #beat: BeatSource;
  readonly #wakeUp = new WakeUp();
  readonly #stop = new AbortController();
  readonly #timers: Timer[] = [];
  #standing: Standing = 'apart';
  #interruptions = 0;
  #running: Promise<void> | undefined;
  #bus: MessageBus | undefined;
  #server: HttpServer | undefined;

  constructor(config: Config, dependencies: ServiceDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#metrics = createRelayMetrics(dependencies.metrics);
    this.#beat = new BeatSource(dependencies.clock);
  }

  async start(): Promise<void> {
    const { logger, metrics, clock } = this.#dependencies;
    const config = this.#config;
    const bus = await connectBus({ url: config.NATS_URL, user: 'relay', logger });
    this.#bus = bus;
    requireServer(bus.server);
    bus.onStatus((status) => {
      if (status !== 'disconnected') return;
      this.#interruptions += 1;
      this.#beat.forget();
      this.#wakeUp.notify();
    });
    bus.onSignal(SIGNAL_SUBJECTS.poke, () => this.#wakeUp.notify());
    this.#server = createServer({ logger, metrics, clock, ready: () => this.ready() });
    this.address = await listen(this.#server, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
    const writer = openLogWriter(bus, {
      maxAgeMs: config.TIDEWIRE_LOG_MAX_AGE_MS,
      maxBytes: config.TIDEWIRE_LOG_MAX_BYTES,
      replicas: config.TIDEWIRE_LOG_REPLICAS,
    });
    this.#timers.push(clock.setInterval(() => this.#sendBeat(bus), BEAT_INTERVAL_MS));
    this.#running = runLeadership(
      {
        openSession: () => openLeaderSession(config.DATABASE_URL, logger),
        lead: (session, signal) => this.#lead(session, bus, writer, signal),
        onStanding: (standing) => this.#note(standing),
        logger,
      },
      this.#stop.signal,
    );
  }

  ready(): Readiness {
    if (this.#stop.signal.aborted) return 'draining';
    if (this.#bus?.connected !== true) return 'NATS is not connected';
    if (this.#standing === 'apart') return 'the database cannot be reached';
    if (this.#standing === 'standby') return true;
    return this.#beat.current() === undefined ? 'comparing the log with the database' : true;
  }

  async drain(): Promise<void> {
    this.#stop.abort();
    this.#wakeUp.notify();
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.drain();
    for (const timer of this.#timers) timer.cancel();
    if (this.#server !== undefined) {
      await drainServer(this.#server, { timeoutMs: 1000, clock: this.#dependencies.clock });
    }
    await this.#bus?.close();
  }

  async #lead(
    session: LeaderSession,
    bus: MessageBus,
    writer: LogWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const { logger, clock } = this.#dependencies;
    const repository = createOutboxRepository(session);
    const measuring = clock.setInterval(() => void this.#measure(repository, writer), MEASURE_INTERVAL_MS);
    // NATS may be away for longer than the database lets an idle session live.
    const keeping = clock.setInterval(() => void session.touch(), 1000);
    try {
      await runRelayLoop(
        {
          repository,
          writer,
          maxPayload: () => bus.server.maxPayload,
          untilConnected: (abort) => untilConnected(bus, abort),
          interruptions: () => this.#interruptions,
          wakeUp: this.#wakeUp,
          beat: this.#beat,
          clock,
          logger,
          metrics: this.#metrics,
          pollMs: this.#config.TIDEWIRE_RELAY_POLL_MS,
        },
        signal,
      );
    } finally {
      measuring.cancel();
      keeping.cancel();
    }
  }

  #note(standing: Standing): void {
    this.#standing = standing;
    this.#metrics.leader.set(standing === 'leading' ? 1 : 0);
  }

  #sendBeat(bus: MessageBus): void {
    const beat = this.#beat.current();
    this.#metrics.backlogAge.set((beat?.backlogAgeMs ?? 0) / 1000);
    if (beat !== undefined) bus.signal(BEAT_SUBJECT, beat);
  }

  async #measure(repository: OutboxRepository, writer: LogWriter): Promise<void> {
    try {
      const [outbox, log] = await Promise.all([repository.measure(), writer.find()]);
      this.#metrics.backlogRows.set(outbox.liveRows);
      this.#metrics.deadRows.set(outbox.deadRows);
      this.#metrics.transactionLag.set(outbox.oldestTransactionLag);
      if (log === undefined) return;
      this.#metrics.logBytes.set(log.bytes);
      const { firstTime } = log;
      this.#metrics.retained.set(
        firstTime === undefined ? 0 : Math.max(0, this.#dependencies.clock.now() - firstTime) / 1000,
      );
    } catch (error) {
      this.#dependencies.logger.debug('not measured', { error });
    }
  }
}
