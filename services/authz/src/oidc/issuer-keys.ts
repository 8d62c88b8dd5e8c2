import { TidewireError, isLoopbackUrl } from '@tidewire/contract';
import type { Issuer } from '@tidewire/contract';
import type { Clock, Logger } from '@tidewire/service-kit';
import { fetchJson } from './fetch-json.ts';
import type { Fetch } from './fetch-json.ts';
import { parseKeySet } from './key-set.ts';
import type { KeySet } from './key-set.ts';

/** The public keys of issuers. */
export interface IssuerKeys {
  /**
   * The keys as last fetched, not long ago if the issuer can be reached.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when there are none and the issuer does not answer in time.
   */
  get(issuer: Issuer): Promise<KeySet>;
  /** For a token that none of `known` verifies: other keys when there are, otherwise the same again. */
  getNewer(issuer: Issuer, known: KeySet): Promise<KeySet>;
}

export interface IssuerKeysOptions {
  readonly fetch: Fetch;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
}

interface Entry {
  readonly version: number;
  keys: KeySet | undefined;
  fetchedAt: number;
  /** When the last attempt began, on the monotonic clock. */
  attemptedAt: number;
  running: Promise<void> | undefined;
  waiting: number;
}

/** After this the keys are fetched again: a key that its issuer took back stops counting so soon. */
const FRESH_MS = 5 * 60_000;
/** Keys of an issuer that cannot be reached go on for so long. */
const USABLE_MS = 24 * 60 * 60_000;
/** Whoever sends tokens of unknown keys makes no more requests to the issuer than this. */
const BETWEEN_ATTEMPTS_MS = 10_000;
const FETCH_TIMEOUT_MS = 5_000;
/** Less than the other services wait for an answer of ours. The attempt goes on, and who asks again finds its keys. */
const WAIT_MS = 1_200;
/** A slow issuer must not hold up those who come with other credentials. */
const MAX_WAITING = 16;
const MAX_ENTRIES = 200;

/** Keys are kept in memory, for each version of an issuer's settings. */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { fetch, clock, logger } = options;
  const entries = new Map<string, Entry>();

  const find = (issuer: Issuer): Entry => {
    const known = entries.get(issuer.id);
    if (known?.version === issuer.version) return known;
    const entry: Entry = {
      version: issuer.version,
      keys: undefined,
      fetchedAt: 0,
      attemptedAt: -BETWEEN_ATTEMPTS_MS,
      running: undefined,
      waiting: 0,
    };
    entries.delete(issuer.id);
    entries.set(issuer.id, entry);
    const [oldest] = entries.keys();
    if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
    return entry;
  };

  const attempt = async (issuer: Issuer, entry: Entry): Promise<void> => {
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(new Error('timed out')), FETCH_TIMEOUT_MS);
    try {
      entry.keys = await fetchKeys(fetch, issuer, abort.signal);
      entry.fetchedAt = clock.monotonic();
    } catch (error) {
      logger.warn('keys of an issuer could not be fetched', { name: issuer.slug, error });
    } finally {
      timer.cancel();
    }
  };

  /** Begins an attempt unless there was one a moment ago, and waits a while for the one that runs. */
  const refresh = async (issuer: Issuer, entry: Entry): Promise<void> => {
    if (entry.running === undefined && clock.monotonic() - entry.attemptedAt >= BETWEEN_ATTEMPTS_MS) {
      entry.attemptedAt = clock.monotonic();
      entry.running = attempt(issuer, entry).finally(() => {
        entry.running = undefined;
      });
    }
    if (entry.running === undefined || entry.waiting >= MAX_WAITING) return;
    entry.waiting += 1;
    try {
      await settledWithin(entry.running, clock);
    } finally {
      entry.waiting -= 1;
    }
  };

  return {
    async get(issuer) {
      const entry = find(issuer);
      const age = (): number => clock.monotonic() - entry.fetchedAt;
      if (entry.keys === undefined || age() >= FRESH_MS) await refresh(issuer, entry);
      if (entry.keys !== undefined && age() < USABLE_MS) return entry.keys;
      throw new TidewireError('SERVICE_UNAVAILABLE', 'The credential cannot be checked at the moment.', {
        retryAfterSeconds: 2,
      });
    },
    async getNewer(issuer, known) {
      const entry = find(issuer);
      if (entry.keys === known) await refresh(issuer, entry);
      return entry.keys ?? known;
    },
  };
}

function settledWithin(running: Promise<void>, clock: Pick<Clock, 'setTimeout'>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, WAIT_MS);
    void running.then(() => {
      timer.cancel();
      resolve();
    });
  });
}

async function fetchKeys(fetch: Fetch, issuer: Issuer, signal: AbortSignal): Promise<KeySet> {
  const url = issuer.jwksUri ?? (await discoverKeys(fetch, issuer.issuer, signal));
  return parseKeySet(await fetchJson(fetch, url, signal));
}

/** Where the issuer says that its keys are (OpenID Connect Discovery 1.0, 4). */
async function discoverKeys(fetch: Fetch, issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = await fetchJson(fetch, url, signal);
  const { issuer: named, jwks_uri: keys } = (found ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) throw new TypeError('the configuration is of another issuer');
  if (typeof keys !== 'string' || !URL.canParse(keys)) throw new TypeError('the configuration names no keys');
  const [from, to] = [new URL(issuer), new URL(keys)];
  // An issuer elsewhere does not make us ask this machine.
  const isLocal = to.protocol === 'http:' && isLoopbackUrl(to) && isLoopbackUrl(from);
  if (to.protocol !== 'https:' && !isLocal) throw new TypeError('the keys are not at an https: address');
  return keys;
}
