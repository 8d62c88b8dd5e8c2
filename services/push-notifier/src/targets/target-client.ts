import { isIP } from 'node:net';
import type { Clock } from '@tidewire/service-kit';
import { exchange } from './exchange.ts';
import { Places } from './places.ts';
import type { Leave } from './places.ts';
import { isPublicAddress } from './public-address.ts';
import { resolveLocally, resolvePublicly } from './resolve-host.ts';
import type { ResolveHost } from './resolve-host.ts';
import { parseRetryAfter } from './retry-after.ts';
import { TargetError } from './target-error.ts';
import { hostOf, readTargetUrl } from './target-url.ts';
import type { TargetRules } from './target-url.ts';

export interface TargetRequest {
  /** Names and values; what frames the request (`Host`, `Content-Length`, `Connection`) is not the caller's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** For name, connection, TLS, head and body together; and once more, at most, for waiting until others are done. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What a target answered, whatever its status: redirects are answers too. */
export interface TargetAnswer {
  readonly status: number;
  /** At most a day. Absent: the answer has no `Retry-After` that can be read. */
  readonly retryAfterMs?: number;
  /** At most the first 1024 bytes, as UTF-8. */
  readonly body: string;
}

export interface TargetClient {
  /**
   * Posts to an address that a user gave: never to one that is not public, and to that which was checked even when its
   * name means another one a moment later.
   *
   * @throws TargetError when there is no answer; the reason of `signal` when that ended it.
   */
  post(url: string, request: TargetRequest): Promise<TargetAnswer>;
}

export interface TargetClientOptions extends TargetRules {
  readonly clock: Clock;
  /** Requests at once; 64 when absent. */
  readonly total?: number;
  /** Those to one host name; 4 when absent. */
  readonly perHost?: number;
  /** Who says what a name means; for tests. */
  readonly resolve?: ResolveHost;
}

const WAITING = 1024;
const WAITING_PER_HOST = 64;
/** A name has some; more would only take time to fail one after another. */
const TRIED_ADDRESSES = 8;

export function createTargetClient(options: TargetClientOptions): TargetClient {
  const { allowPrivate, clock, total = 64, perHost = 4 } = options;
  const resolve = options.resolve ?? (allowPrivate ? resolveLocally : resolvePublicly);
  const places = new Places({ total, perHost, waiting: WAITING, waitingPerHost: WAITING_PER_HOST });

  /** The addresses to try, all of which may be. */
  async function addressesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = isIP(host) === 0 ? await ask(host, signal) : [host];
    if (found.length === 0) throw new TargetError('unresolvable', 'Its name leads nowhere.');
    // One private address among public ones is a name that is about to change.
    if (!allowPrivate && !found.every(isPublicAddress)) {
      throw new TargetError('refused-address', 'Its name leads to an address that is not public.');
    }
    return found.slice(0, TRIED_ADDRESSES);
  }

  async function ask(host: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      return await endedBy(signal, resolve(host, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      return [];
    }
  }

  async function enter(host: string, { timeoutMs, signal }: TargetRequest): Promise<Leave> {
    const message = 'Others that are asked at once took too long.';
    const leave = await within({ clock, timeoutMs, signal, message }, (limit) => places.enter(host, limit));
    if (leave === undefined) throw new TargetError('timed-out', 'Too many wait for it already.');
    return leave;
  }

  return {
    async post(text, request) {
      const read = readTargetUrl(text, { allowPrivate });
      if (!read.ok) throw new TargetError('refused-address', `It ${read.problem}.`);
      const { url } = read;
      const { headers, body, timeoutMs, signal } = request;
      const host = hostOf(url);
      const leave = await enter(host, request);
      try {
        const message = 'It did not answer in time.';
        const { status, retryAfter, ...answer } = await within(
          { clock, timeoutMs, signal, message },
          async (limit) => exchange({ url, addresses: await addressesOf(host, limit), headers, body }, limit),
        );
        const retryAfterMs = parseRetryAfter(retryAfter, clock.now());
        return { status, ...(retryAfterMs !== undefined && { retryAfterMs }), body: answer.body };
      } finally {
        leave();
      }
    },
  };
}

interface Limit {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Of the error when the time is over. */
  readonly message: string;
}

/** Runs work that ends with its signal: when the time is over, or the caller wants no more. */
async function within<Result>(
  { clock, timeoutMs, signal, message }: Limit,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const end = new AbortController();
  const giveUp = (): void => end.abort(signal?.reason);
  const timer = clock.setTimeout(() => end.abort(new TargetError('timed-out', message)), timeoutMs);
  signal?.addEventListener('abort', giveUp);
  try {
    return await work(end.signal);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', giveUp);
  }
}

/** What is promised, unless the signal comes first. */
async function endedBy<Result>(signal: AbortSignal, promised: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([promised, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
