import { createHash } from 'node:crypto';
import { REQUEST_SUBJECTS, TidewireError, authenticateReplySchema } from '@tidewire/contract';
import type { Credential, Principal } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { hasEnded } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import type { Clock, GivenCredential, PrincipalContext } from '@tidewire/service-kit';
import type { RightsFeed } from './rights-feed.ts';

export interface AuthenticatorOptions {
  readonly bus: MessageBus;
  readonly feed: RightsFeed;
  readonly clock: Clock;
  /**
   * How long an answer of authz is used before it is asked again; the log ends it earlier when the credential ends, and
   * while authz cannot be asked the log alone decides. 0: nothing is remembered.
   */
  readonly cacheMs: number;
  readonly cacheEntries: number;
  /** How long the log may take to reach the position of authz's answer. */
  readonly waitMs: number;
}

interface Entry {
  readonly view: RightsView;
  readonly principal: string;
  readonly credential: string;
  /** Version of the credential when authz was asked. */
  readonly version: number;
  /** When the secret stops counting though its credential goes on, milliseconds since 1970. */
  readonly secretEndsAt: number | undefined;
  /** When authz is asked again, on the monotonic clock. */
  askAt: number;
}

/** After no answer authz is asked again only so much later: it may take long not to answer. */
const ASK_AGAIN_MS = 1_000;

/**
 * Says who holds a credential. authz is asked once per credential and `cacheMs`; in between, and for as long as authz or
 * the bus is away, the log says whether it still counts and what its principal may do. The cache is keyed by a hash: no
 * secret is kept in it.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #entries = new Map<string, Entry>();
  /** What a request in progress came with, to ask again when its entry is gone. */
  readonly #given = new WeakMap<PrincipalContext, GivenCredential>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Principal and credential in the newest version that the log told.
   *
   * @throws TidewireError UNAUTHORIZED when the credential is unknown or does not count any more; SERVICE_UNAVAILABLE
   *   when nobody can say at the moment.
   */
  async authenticate(given: GivenCredential): Promise<PrincipalContext> {
    const key = createHash('sha256').update(given.type).update('\0').update(given.secret).digest('base64');
    const entry = this.#find(key);
    const context =
      entry === undefined ? await this.#ask(key, given) : await this.#askWhenDue(key, entry, given);
    this.#given.set(context, given);
    return context;
  }

  /** The same for the credential of a request that was authenticated before: rights may have changed since. */
  async refresh(context: PrincipalContext): Promise<PrincipalContext> {
    const { view } = this.#options.feed;
    const principal = view.principal(context.principal.id);
    const credential = view.credential(context.credential.id);
    if (principal === context.principal && credential === context.credential) return context;
    const given = this.#given.get(context);
    if (given === undefined) throw new TypeError('this principal was not authenticated here');
    return await this.authenticate(given);
  }

  /** What was remembered and still counts, as far as the log tells. */
  #find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { feed, clock } = this.#options;
    const held = entry.view === feed.view ? heldBy(entry) : undefined;
    const nowMs = clock.now();
    const isUsable = entry.secretEndsAt === undefined || entry.secretEndsAt > nowMs;
    if (held !== undefined && isUsable && counts(held.principal, held.credential, nowMs)) return entry;
    this.#drop(key, entry);
    return undefined;
  }

  /**
   * Who holds a remembered credential. authz has no veto by not answering: whatever ended the credential is in the log,
   * or in the outbox where the barrier of the request's statement finds it.
   */
  async #askWhenDue(key: string, entry: Entry, given: GivenCredential): Promise<PrincipalContext> {
    const { clock, cacheMs } = this.#options;
    const mustAsk = hasOtherSecret(entry);
    if (mustAsk || clock.monotonic() >= entry.askAt) {
      try {
        return await this.#ask(key, given);
      } catch (error) {
        if (mustAsk || cacheMs === 0 || !isUnavailable(error)) {
          if (this.#entries.get(key) === entry) this.#drop(key, entry);
          throw error;
        }
        entry.askAt = clock.monotonic() + ASK_AGAIN_MS;
      }
    }
    // Looked at again: much may have happened during the question.
    const still = this.#find(key);
    const held = still === undefined ? undefined : heldBy(still);
    if (held === undefined) throw rightsUnknown();
    return held;
  }

  async #ask(key: string, given: GivenCredential): Promise<PrincipalContext> {
    const { bus, feed, clock, cacheMs, waitMs } = this.#options;
    const { source: _source, ...question } = given;
    for (let round = 0; round < 2; round += 1) {
      const reply = await bus.request(REQUEST_SUBJECTS.authenticate, question, authenticateReplySchema);
      if (!reply.ok) throw new TidewireError(reply.code, reply.message);
      // Rules and organisations must be at least as new as the principal they are applied to.
      if (!(await feed.reach(reply.position, waitMs))) throw rightsUnknown();
      const { view } = feed;
      const held = view.hold(reply, clock.now());
      if (held.ok) {
        const { principal, credential } = held;
        this.#keep(key, {
          view,
          principal: principal.id,
          credential: credential.id,
          version: credential.version,
          secretEndsAt: reply.secretEndsAt === undefined ? undefined : Date.parse(reply.secretEndsAt),
          askAt: clock.monotonic() + cacheMs,
        });
        return { principal, credential, position: reply.position };
      }
      if (held.reason === 'ended') throw unauthorized();
    }
    throw rightsUnknown();
  }

  #keep(key: string, entry: Entry): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#options.cacheEntries) return;
    for (const [oldest, value] of this.#entries) {
      this.#drop(oldest, value);
      return;
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    entry.view.release({ principal: { id: entry.principal }, credential: { id: entry.credential } });
  }
}

/** What the log says by now of a remembered credential and its principal. */
function heldBy({ view, ...ids }: Entry): PrincipalContext | undefined {
  const principal = view.principal(ids.principal);
  const credential = view.credential(ids.credential);
  return principal === undefined || credential === undefined ? undefined : { principal, credential };
}

/** A session may have been given another secret with every change: which one counts only authz knows. */
function hasOtherSecret(entry: Entry): boolean {
  const credential = entry.view.credential(entry.credential);
  return credential?.type === 'session' && credential.version !== entry.version;
}

function isUnavailable(error: unknown): boolean {
  return error instanceof TidewireError && error.code === 'SERVICE_UNAVAILABLE';
}

function counts(principal: Principal, credential: Credential, nowMs: number): boolean {
  return !principal.removed && !hasEnded(credential, nowMs);
}

/** One text for unknown, expired and revoked, as authz answers. */
function unauthorized(): TidewireError {
  return new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
}

/** What is answered while it is not known whether newer rights would say something else. */
export function rightsUnknown(): TidewireError {
  return new TidewireError(
    'SERVICE_UNAVAILABLE',
    'The current rights are not known at the moment; try again.',
    {
      retryAfterSeconds: 1,
    },
  );
}
