import { TidewireError } from '@tidewire/contract';
import type { Credential, Principal, SubscriberAddress } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { hasEnded } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import type { Clock, GivenCredential, PrincipalContext } from '@tidewire/service-kit';
import { credentialQuestion, subscriberQuestion, unauthorized } from './question.ts';
import type { Question } from './question.ts';
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
 * Says who holds a credential, or who a subscriber is. authz is asked once per credential or subscriber and `cacheMs`; in
 * between, and for as long as authz or the bus is away, the log says whether it still counts and what its principal may do.
 * The cache is keyed by a hash: no secret is kept in it.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #entries = new Map<string, Entry>();
  /** What a request in progress came with, to ask again when its entry is gone. */
  readonly #questions = new WeakMap<PrincipalContext, Question>();

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
    return await this.#answer(credentialQuestion(this.#options.bus, given));
  }

  /** The same for a subscriber, whom NATS vouches for. UNAUTHORIZED when it is nobody any more. */
  async authenticateSubscriber(address: SubscriberAddress): Promise<PrincipalContext> {
    return await this.#answer(subscriberQuestion(this.#options.bus, address));
  }

  /** The same for the credential of a request that was authenticated before: rights may have changed since. */
  async refresh(context: PrincipalContext): Promise<PrincipalContext> {
    const { view } = this.#options.feed;
    const principal = view.principal(context.principal.id);
    const credential = view.credential(context.credential.id);
    if (principal === context.principal && credential === context.credential) return context;
    const question = this.#questions.get(context);
    if (question === undefined) throw new TypeError('this principal was not authenticated here');
    return await this.#answer(question);
  }

  async #answer(question: Question): Promise<PrincipalContext> {
    const entry = this.#find(question.key);
    const context = entry === undefined ? await this.#ask(question) : await this.#askWhenDue(entry, question);
    this.#questions.set(context, question);
    return context;
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
  async #askWhenDue(entry: Entry, question: Question): Promise<PrincipalContext> {
    const { clock, cacheMs } = this.#options;
    const { key } = question;
    const mustAsk = hasOtherSecret(entry);
    if (mustAsk || clock.monotonic() >= entry.askAt) {
      try {
        return await this.#ask(question);
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

  async #ask({ key, ask }: Question): Promise<PrincipalContext> {
    const { feed, clock, cacheMs, waitMs } = this.#options;
    for (let round = 0; round < 2; round += 1) {
      const answer = await ask();
      // Rules and organisations must be at least as new as the principal they are applied to.
      if (!(await feed.reach(answer.position, waitMs))) throw rightsUnknown();
      const { view } = feed;
      const held = view.hold(answer, clock.now());
      if (held.ok) {
        const { principal, credential } = held;
        this.#keep(key, {
          view,
          principal: principal.id,
          credential: credential.id,
          version: credential.version,
          secretEndsAt: answer.secretEndsAt,
          askAt: clock.monotonic() + cacheMs,
        });
        return { principal, credential, position: answer.position };
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
