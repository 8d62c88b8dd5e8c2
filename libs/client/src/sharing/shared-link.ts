import { ClientError } from '../client-error.ts';
import type {
  EditSink,
  Link,
  LinkStatus,
  PresenceSink,
  SubscriptionSink,
  SubscriptionWish,
} from '../link/link.ts';
import { Listeners } from '../listeners.ts';
import type { Clock, PageLife } from '../runtime.ts';
import { CONNECTING } from './follower.ts';
import type { Locks } from './held-lock.ts';
import { OwnWants } from './own-wants.ts';
import { SHARING_VERSION } from './shared-messages.ts';
import { Stay } from './stay.ts';
import type { ChannelLike } from './stay.ts';
import type { Want, Wanter } from './want.ts';

export interface SharedLinkOptions {
  /**
   * Whose connection it is. Tabs with the same key tell each other everything that they are told, so it has to differ wherever
   * anything differs that decides what may be seen.
   */
  readonly key: string;
  /** Makes the connection itself: each time that this tab begins to lead, and where the shared one has no room. */
  readonly createLink: () => Link;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly locks: Locks;
  readonly channel: (name: string) => ChannelLike;
  readonly page: PageLife;
}

/**
 * A link over one connection that all tabs with the same key share: one of them has it and tells the others what is for them.
 * When that tab goes, another one takes its place, from the cursor of each sink. A sink may be told again what it was told
 * before its cursor; nothing after its cursor is missed.
 */
export function createSharedLink(options: SharedLinkOptions): Link {
  return new SharedLink(options);
}

class SharedLink implements Link {
  readonly #options: SharedLinkOptions;
  readonly #wants: OwnWants;
  readonly #listeners = new Listeners();
  readonly #unwatch: () => void;
  /** Undefined while the page is frozen, and after the end. */
  #stay: Stay | undefined;
  #status: LinkStatus = CONNECTING;
  #closed: ClientError | undefined;

  constructor(options: SharedLinkOptions) {
    this.#options = options;
    this.#wants = new OwnWants(options.createLink);
    this.#unwatch = options.page.watch((change) => {
      if (change === 'frozen') this.#leave();
      else if (change !== 'woke' && change !== 'visible') return;
      else if (this.#stay === undefined) this.#arrive();
      else this.#stay.wake();
    });
    this.#arrive();
  }

  get status(): LinkStatus {
    return this.#status;
  }

  watch(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  subscribe(wish: SubscriptionWish, sink: SubscriptionSink): () => void {
    return this.#want(
      { kind: 'subscription', wish },
      {
        position: () => sink.cursor(),
        message: (message) => sink.message(message as Parameters<SubscriptionSink['message']>[0]),
        interrupted: () => sink.interrupted(),
        ended: (error) => sink.ended(error),
      },
    );
  }

  join(pagePath: string, sink: PresenceSink): () => void {
    return this.#want(
      { kind: 'page', pagePath },
      {
        position: () => undefined,
        message: (message) => sink.message(message as Parameters<PresenceSink['message']>[0]),
        interrupted: () => sink.interrupted(),
        ended: (error) => sink.refused(error),
      },
    );
  }

  edit(edit: Parameters<Link['edit']>[0], sink: EditSink): () => void {
    return this.#want(
      { kind: 'edit', edit },
      {
        position: () => sink.updatedAt(),
        message: (message) => sink.conflict(message as Parameters<EditSink['conflict']>[0]),
        interrupted: () => undefined,
        ended: () => undefined,
      },
    );
  }

  reconnect(): void {
    if (this.#stay?.resigned === true) {
      this.#leave();
      this.#arrive();
    } else this.#stay?.reconnect();
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ClientError('CLOSED', 'The client was closed');
    this.#unwatch();
    this.#leave();
    this.#wants.close(this.#closed);
  }

  #want(want: Want, wanter: Wanter): () => void {
    const error = this.#closed;
    if (error === undefined) return this.#wants.add(want, wanter);
    // Later than it was asked.
    queueMicrotask(() => wanter.ended(error));
    return () => undefined;
  }

  /** The page will be frozen, or is over: it may keep neither lock nor connection. */
  #leave(): void {
    const stay = this.#stay;
    this.#stay = undefined;
    this.#wants.rest();
    stay?.close();
    this.#changed();
  }

  #arrive(): void {
    const { key, page: _, ...options } = this.#options;
    this.#stay = new Stay({
      ...options,
      name: `tidewire:${key}:${SHARING_VERSION}`,
      wants: this.#wants,
      changed: () => this.#changed(),
    });
  }

  #changed(): void {
    const status = this.#describe();
    if (status === this.#status) return;
    this.#status = status;
    this.#listeners.tell();
  }

  #describe(): LinkStatus {
    if (this.#closed === undefined) return this.#stay?.status ?? CONNECTING;
    if (this.#status.state === 'closed') return this.#status;
    return Object.freeze({ ...CONNECTING, state: 'closed', error: this.#closed });
  }
}
