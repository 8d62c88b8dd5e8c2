import type { Link, LinkStatus } from '../link/link.ts';
import type { Clock } from '../runtime.ts';
import { CONNECTING, Follower } from './follower.ts';
import { HeldLock } from './held-lock.ts';
import type { Locks } from './held-lock.ts';
import { Leader } from './leader.ts';
import type { OwnWants } from './own-wants.ts';
import { isLater, parseSharedMessage } from './shared-messages.ts';
import type { Leadership, SharedBody } from './shared-messages.ts';

/** The part of `BroadcastChannel` that is used. */
export interface ChannelLike {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

interface StayOptions {
  /** Of the lock and of the channel. */
  readonly name: string;
  readonly createLink: () => Link;
  readonly clock: Clock;
  readonly random: () => number;
  readonly locks: Locks;
  readonly channel: (name: string) => ChannelLike;
  readonly wants: OwnWants;
  /** {@link Stay.status} may have changed. */
  readonly changed: () => void;
}

/**
 * One tab among those that share, from when it comes until it is closed or frozen; when it comes back, it is another one.
 * It holds a lock of its own all the time, and leads while it has the one that all wait for.
 */
export class Stay {
  readonly #options: StayOptions;
  readonly #self: string;
  readonly #life: HeldLock;
  readonly #lead: HeldLock;
  #channel: ChannelLike | undefined;
  #latest: Leadership = { from: '', term: 0 };
  #role: Leader | Follower | undefined;
  #over = false;

  constructor(options: StayOptions) {
    const { name, locks, random, channel } = options;
    this.#options = options;
    this.#self = `${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
    const alone = (): void => this.#leadAlone();
    this.#life = new HeldLock(locks, this.#lockOf(this.#self), {
      // Whoever leads looks at this lock to see whether we are there: nothing is said before we have it.
      gained: () => this.#follow(),
      stolen: alone,
      failed: alone,
    });
    this.#lead = new HeldLock(locks, name, {
      gained: () => this.#begin(),
      stolen: () => this.#follow(),
      failed: alone,
    });
    this.#channel = channel(name);
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data));
    this.#life.request('wait');
  }

  get status(): LinkStatus {
    return this.#role?.status ?? CONNECTING;
  }

  /** This tab was refused, and has left the others to themselves. */
  get resigned(): boolean {
    return this.#channel === undefined && this.status.state === 'refused';
  }

  reconnect(): void {
    this.#role?.reconnect();
  }

  /** Nothing ran here for a while: something may have been missed, and another tab may have taken the lead. */
  wake(): void {
    this.#role?.wake();
  }

  /** Lets go of everything, so that the next leader is there at once. */
  close(): void {
    this.#over = true;
    this.#retire();
  }

  #lockOf(tab: string): string {
    return `${this.#options.name}:${tab}`;
  }

  readonly #post = (body: SharedBody): void => this.#channel?.postMessage({ ...body, from: this.#self });

  #hear(data: unknown): void {
    const message = parseSharedMessage(data);
    if (message === undefined || this.#role === undefined) return;
    if ('to' in message && message.to !== this.#self) return;
    if (message.type !== 'here' || !isLater(message, this.#latest)) return this.#role.hear(message);
    const { from, term } = message;
    this.#latest = { from, term };
    if (this.#role instanceof Leader) this.#follow();
    if (this.#role instanceof Follower) this.#role.follow(message);
  }

  /** Waits in line. */
  #follow(): void {
    const { wants, clock, random, changed } = this.#options;
    this.#quit();
    // Whoever is told that it is interrupted may close everything.
    if (this.#over) return;
    this.#role = new Follower({
      wants,
      clock,
      random,
      changed,
      post: this.#post,
      abandoned: () => this.#lead.request('steal'),
    });
    this.#lead.request('wait');
    changed();
  }

  #begin(): void {
    const { wants, clock, locks, createLink, changed } = this.#options;
    this.#quit();
    if (this.#over) return;
    // A term is later than all that are known here, and than those of before that nobody who is here remembers.
    this.#latest = { from: this.#self, term: Math.max(clock.now(), this.#latest.term + 1) };
    const leader = new Leader({
      self: this.#latest,
      link: createLink(),
      clock,
      locks,
      lockOf: (tab) => this.#lockOf(tab),
      post: this.#post,
      changed: () => {
        if (leader.status.state === 'refused') this.#resign();
        changed();
      },
    });
    this.#role = leader;
    wants.serveBy(leader);
    changed();
  }

  /** Here is nothing to share with, whatever the browser promised: a connection of our own. */
  #leadAlone(): void {
    this.#retire();
    this.#begin();
  }

  #retire(): void {
    this.#quit();
    this.#resign();
  }

  /** Makes room for others, and keeps what this tab has. */
  #resign(): void {
    this.#lead.release();
    this.#life.release();
    this.#channel?.close();
    this.#channel = undefined;
  }

  #quit(): void {
    this.#options.wants.serveBy(undefined);
    this.#role?.close();
    this.#role = undefined;
  }
}
