import { ROTATION_GRACE_MS } from '@tidewire/contract';
import type { Actor, Principal } from '@tidewire/contract';
import type { Clock, PoolClient } from '@tidewire/service-kit';
import { endCredential, recordUse } from '../credential-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { createTokenSecret, hashSecret } from '../token-secret.ts';
import {
  endOldestSessions,
  extendSession,
  insertSession,
  rotateSession,
} from './session-repository-postgres.ts';

/** How long sessions last. */
export interface SessionTimes {
  /** Without use. */
  readonly idleMs: number;
  /** However much it is used. */
  readonly maxAgeMs: number;
}

/** Sessions in force of one principal; the one that was used longest ago gives way. */
const MOST_SESSIONS = 100;
const MINUTE_MS = 60_000;

/** Opens sessions, gives them other secrets, and lets those that are used live on. */
export class SessionStore {
  readonly #writer: RightsWriter;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #times: SessionTimes;

  constructor(options: {
    readonly writer: RightsWriter;
    readonly clock: Pick<Clock, 'now'>;
    readonly times: SessionTimes;
  }) {
    this.#writer = options.writer;
    this.#clock = options.clock;
    this.#times = options.times;
  }

  /** Uses within this time of one that was written down are not: a write per request would be too many. */
  get useStepMs(): number {
    return Math.min(MINUTE_MS, Math.floor(this.#times.idleMs / 10));
  }

  /** A session with a secret that nobody has seen, in the transaction of a login. */
  async open(client: PoolClient, principal: string, address: string): Promise<string> {
    const secret = createTokenSecret();
    const nowMs = this.#clock.now();
    const latestEndMs = nowMs + this.#times.maxAgeMs;
    await insertSession(client, {
      principal,
      hash: hashSecret(secret),
      address,
      nowMs,
      expiresAtMs: Math.min(nowMs + this.#times.idleMs, latestEndMs),
      latestEndMs,
    });
    await endOldestSessions(client, principal, MOST_SESSIONS);
    return secret;
  }

  /** Another secret for a session; undefined when it has ended meanwhile. */
  async rotate(client: PoolClient, id: string): Promise<string | undefined> {
    const secret = createTokenSecret();
    const nowMs = this.#clock.now();
    const change = { id, hash: hashSecret(secret), nowMs, graceMs: ROTATION_GRACE_MS };
    if (!(await rotateSession(client, change))) return undefined;
    await extendSession(client, id, nowMs, this.#times.idleMs);
    return secret;
  }

  /** Writes down that a session is used and lets it expire later. False when another replica just did. */
  async use(id: string, owner: Principal): Promise<boolean> {
    const nowMs = this.#clock.now();
    return await this.#writer.writeAs(actorOf(owner), async (client) => {
      if (!(await recordUse(client, id, nowMs, this.useStepMs))) return false;
      await extendSession(client, id, nowMs, this.#times.idleMs);
      return true;
    });
  }

  /** Ends a session on behalf of whoever it belongs to. */
  async end(id: string, owner: Principal): Promise<void> {
    await this.#writer.writeAs(actorOf(owner), (client) =>
      endCredential(client, { type: 'session', id, principal: owner.id }),
    );
  }
}

function actorOf({ id, name, activeOrganisation }: Principal): Actor {
  return { id, name, organisation: activeOrganisation };
}
