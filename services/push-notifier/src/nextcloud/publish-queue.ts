import { NEXTCLOUD_CHANNELS, formatNextcloudCustom, formatNextcloudNotification } from '@tidewire/contract';
import type { PushBody } from '@tidewire/contract';

/** A message of `notify_custom`, or without a name one of `notify_notification`. */
export interface QueuedMessage {
  readonly principal: string;
  readonly user: string;
  readonly custom?: {
    readonly name: string;
    readonly body: PushBody;
    /** When it was queued, monotonic. */
    readonly at: number;
  };
}

export interface PublishQueueLimits {
  readonly messages: number;
  readonly ageMs: number;
}

/**
 * What waits to be published. Where it is too much, or too old, what remains of a message is that its user has to look: one
 * notification, which waits for as long as it takes. There are never more of those than users.
 */
export class PublishQueue {
  readonly #limits: PublishQueueLimits;
  #customs: QueuedMessage[] = [];
  /** Those that were taken last. */
  #taken: readonly QueuedMessage[] = [];
  /** Of those, the ones that were withdrawn since. */
  readonly #overtaken = new Set<QueuedMessage>();
  /** Users to be notified, by their principals. */
  readonly #notifications = new Map<string, string>();
  #dropped = 0;

  constructor(limits: PublishQueueLimits) {
    this.#limits = limits;
  }

  get empty(): boolean {
    return this.#customs.length === 0 && this.#notifications.size === 0;
  }

  /** Messages with a body that nobody was told. */
  get dropped(): number {
    return this.#dropped;
  }

  push(message: QueuedMessage): void {
    if (message.custom === undefined) this.#notifications.set(message.principal, message.user);
    else if (this.#customs.length < this.#limits.messages) this.#customs.push(message);
    else this.#drop([message]);
  }

  /** What is to be published next, of which there is no more than `most` of each kind. It does not wait any more. */
  take(most: number, now: number): readonly QueuedMessage[] {
    this.expire(now);
    const customs = this.#customs.splice(0, most);
    const notifications = [...this.#notifications].slice(0, most);
    for (const [principal] of notifications) this.#notifications.delete(principal);
    this.#taken = customs;
    this.#overtaken.clear();
    return [...customs, ...notifications.map(([principal, user]) => ({ principal, user }))];
  }

  /** Takes back what was taken last and not published, in its order. */
  giveBack(messages: readonly QueuedMessage[]): void {
    const customs = messages.filter(({ custom }) => custom !== undefined);
    this.#drop(customs.filter((message) => this.#overtaken.has(message)));
    this.#customs = [...customs.filter((message) => !this.#overtaken.has(message)), ...this.#customs];
    this.#drop(this.#customs.splice(this.#limits.messages));
    for (const { principal, user, custom } of messages) {
      // Somebody may be another user by now.
      if (custom === undefined && !this.#notifications.has(principal)) {
        this.#notifications.set(principal, user);
      }
    }
  }

  /** Lets go of what is too old. */
  expire(now: number): void {
    const young = this.#customs.findIndex(({ custom }) => now - (custom?.at ?? now) < this.#limits.ageMs);
    this.#drop(this.#customs.splice(0, young === -1 ? this.#customs.length : young));
  }

  /** Rights were changed: what was found by those of before is not told any more. */
  withdraw(isMeant: (principal: string) => boolean): void {
    for (const message of this.#taken) if (isMeant(message.principal)) this.#overtaken.add(message);
    if (this.#customs.length === 0) return;
    this.#drop(this.#customs.filter(({ principal }) => isMeant(principal)));
    this.#customs = this.#customs.filter(({ principal }) => !isMeant(principal));
  }

  /** Nobody is told anything for this principal any more. */
  forget(principal: string): void {
    this.withdraw((id) => id === principal);
    this.#notifications.delete(principal);
  }

  #drop(messages: readonly QueuedMessage[]): void {
    this.#dropped += messages.length;
    for (const { principal, user } of messages) this.#notifications.set(principal, user);
  }
}

/** Channel and text of a message, as notify_push reads them. */
export function formatMessage({ user, custom }: QueuedMessage): readonly [channel: string, text: string] {
  return custom === undefined
    ? [NEXTCLOUD_CHANNELS.notification, formatNextcloudNotification(user)]
    : [NEXTCLOUD_CHANNELS.custom, formatNextcloudCustom(user, custom.name, custom.body)];
}
