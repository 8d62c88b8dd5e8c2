import type { PresentUser } from '@tidewire/contract';
import type { Presence, PresenceSnapshot } from '../client-types.ts';
import type { ClientError } from '../client-error.ts';
import { Deadline } from '../deadline.ts';
import { Listeners } from '../listeners.ts';
import type { Link, PresenceSink } from '../link/link.ts';
import type { Clock } from '../runtime.ts';

/** How long somebody stays on a page that nobody here looks at any more: one that is mounted again was never left. */
const LINGER_MS = 2000;

/** Being on one page, while somebody listens. */
export class PagePresence implements Presence {
  readonly #link: Link;
  readonly #pagePath: string;
  readonly #listeners = new Listeners();
  #users = new Map<string, PresentUser>();
  #snapshot: PresenceSnapshot = { users: [], state: 'idle', error: null };
  #leave: (() => void) | undefined;
  readonly #linger: Deadline;

  constructor(link: Link, clock: Clock, pagePath: string) {
    this.#link = link;
    this.#linger = new Deadline(clock, () => this.close());
    this.#pagePath = pagePath;
  }

  getSnapshot(): PresenceSnapshot {
    return this.#snapshot;
  }

  subscribe(listener: () => void): () => void {
    this.#linger.set(null);
    if (this.#leave === undefined) {
      this.#become('unknown');
      this.#leave = this.#link.join(this.#pagePath, this.#sink);
    }
    const stop = this.#listeners.add(listener);
    return () => {
      if (!stop() || this.#listeners.size > 0) return;
      this.#linger.in(LINGER_MS);
    };
  }

  close(): void {
    this.#linger.set(null);
    this.#leave?.();
    this.#leave = undefined;
    this.#users.clear();
    this.#become('idle');
  }

  readonly #sink: PresenceSink = {
    message: (message) => {
      if (message.type === 'presence-sync') {
        this.#users = new Map(message.users.map((user) => [user.id, user]));
      } else if (message.type === 'join') this.#users.set(message.user.id, message.user);
      else this.#users.delete(message.userId);
      this.#become('present');
    },
    interrupted: () => this.#become('unknown'),
    refused: (error) => {
      this.#users.clear();
      this.#become('refused', error);
    },
  };

  #become(state: PresenceSnapshot['state'], error: ClientError | null = null): void {
    this.#snapshot = { users: [...this.#users.values()], state, error };
    this.#listeners.tell();
  }
}
