import { get, type Agent } from 'node:http';

/** How long an upstream that refused a connection is passed over while another one is there. */
const PASS_OVER_MS = 1_000;
const PROBE_INTERVAL_MS = 1_000;
const PROBE_TIMEOUT_MS = 2_000;

/** One process of a service: where it listens. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
}

/**
 * The processes of one service. Requests go round; a process that refused a connection or says that it is not
 * ready (draining, say) is asked only when no other one is left.
 */
export class UpstreamPool {
  readonly service: string;
  readonly upstreams: readonly Upstream[];
  readonly #passOverUntil = new Map<Upstream, number>();
  readonly #unready = new Set<Upstream>();
  readonly #agent: Agent;
  readonly #now: () => number;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(service: string, upstreams: readonly Upstream[], agent: Agent, now: () => number = Date.now) {
    this.service = service;
    this.upstreams = upstreams;
    this.#agent = agent;
    this.#now = now;
  }

  /** Every upstream once, the one whose turn it is first, those that are away or not ready last. */
  inTurn(): Upstream[] {
    const from = this.#turn++ % Math.max(1, this.upstreams.length);
    const turned = [...this.upstreams.slice(from), ...this.upstreams.slice(0, from)];
    const now = this.#now();
    const usable = (upstream: Upstream): boolean =>
      !this.#unready.has(upstream) && (this.#passOverUntil.get(upstream) ?? 0) <= now;
    return [...turned.filter(usable), ...turned.filter((upstream) => !usable(upstream))];
  }

  /** Says that a connection could not be made: the others go first for a second. */
  refused(upstream: Upstream): void {
    this.#passOverUntil.set(upstream, this.#now() + PASS_OVER_MS);
  }

  /** Asks every upstream for its readiness; true when at least one of them can take requests. */
  async probe(): Promise<boolean> {
    const answers = await Promise.all(
      this.upstreams.map(async (upstream) => {
        const ready = await isReady(upstream, this.#agent);
        if (ready) this.#unready.delete(upstream);
        else this.#unready.add(upstream);
        return ready;
      }),
    );
    return answers.includes(true);
  }

  /** Keeps the readiness of several upstreams current; with a single one there is no choice to make. */
  start(): void {
    if (this.upstreams.length < 2 || this.#timer !== undefined) return;
    let probing = false;
    this.#timer = setInterval(() => {
      if (probing) return;
      probing = true;
      void this.probe().finally(() => (probing = false));
    }, PROBE_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether a process says that it can take requests; false when it does not answer in time. */
export function isReady(upstream: Upstream, agent?: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      {
        host: upstream.host,
        port: upstream.port,
        path: '/readyz',
        agent: agent ?? false,
        timeout: PROBE_TIMEOUT_MS,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.once('close', () => resolve(false));
  });
}
