import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { BaseConfig } from './config.ts';
import type { Readiness } from './health.ts';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';

/**
 * A running service. The verbs are called in this order, each once: `start` resolves when requests are served;
 * `drain` takes no new work and finishes what is running, within the service's own bound; `stop` closes everything.
 * `stop` is safe after a `start` that failed half-way.
 */
export interface Service {
  start(): Promise<void>;
  ready(): Readiness;
  drain(): Promise<void>;
  stop(): Promise<void>;
  /** Base URL of its HTTP server once started: where a port of 0 ended up. */
  readonly address: string | undefined;
}

/** What a service is given besides its settings; tests put their own in. */
export interface ServiceDependencies {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The shape of every service's composition root. It opens nothing before `start`. */
export type CreateService<Config> = (config: Config, dependencies?: Partial<ServiceDependencies>) => Service;

/** Fills in what was not given: the machine's clock, a logger to standard output, a registry of its own. */
export function resolveDependencies(
  service: string,
  config: Pick<BaseConfig, 'LOG_LEVEL'>,
  given: Partial<ServiceDependencies> = {},
): ServiceDependencies {
  return {
    logger: given.logger ?? createLogger({ service, level: config.LOG_LEVEL }),
    metrics: given.metrics ?? createMetrics(service),
    clock: given.clock ?? systemClock,
  };
}
