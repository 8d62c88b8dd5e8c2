import { PUSH_PATHS, PUSH_TEXTS } from '@tidewire/contract';
import type { PushChanges } from '@tidewire/contract';
import { setTimeout as delay } from 'node:timers/promises';
import type { Citizen } from './crowd.ts';
import { PushListener } from './push-listener.ts';

/** Gives equal texts equal numbers: thousands of events times dozens of clients are kept once. */
export class TextNumbers {
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}

const RETRY_MS = 200;

/** Somebody with a client of notify_push, which connects again when its connection is lost. Keeps what it is told. */
export class PushClient implements Disposable {
  readonly citizen: Citizen;
  /** What it was told of objects, in order, a list for each connection. */
  readonly connections: number[][] = [];
  /** Everything that it was told, reminders included. */
  texts = 0;
  /** Monotonic milliseconds. */
  lastObjectAt = 0;
  lastReminderAt = 0;
  /** When the connection before was lost, and when there was another one. */
  lostAt = 0;
  openedAt = 0;
  readonly #numbers: TextNumbers;
  #listener: PushListener | undefined;
  #isStopped = false;

  constructor(citizen: Citizen, numbers: TextNumbers) {
    this.citizen = citizen;
    this.#numbers = numbers;
  }

  /** Connects to that notifier, and to the one that `next` names when the connection is lost. */
  async connect(url: string, next: () => string): Promise<void> {
    const told: number[] = [];
    const { id: user, token: password } = this.citizen;
    const listener = await PushListener.connect({
      url,
      user,
      password,
      onText: (text) => this.#take(text, told),
      onClose: () => {
        if (this.#isStopped || this.#listener !== listener) return;
        this.lostAt = performance.now();
        void this.#reconnect(next);
      },
    });
    this.#listener = listener;
    this.connections.push(told);
    this.openedAt = performance.now();
  }

  /** Lets go of its connection and takes one at another notifier. */
  async move(url: string): Promise<void> {
    const before = this.#listener;
    await this.connect(url, () => url);
    before?.[Symbol.dispose]();
  }

  async changes(since: string | undefined): Promise<PushChanges> {
    const query = since === undefined ? '' : `?since=${since}`;
    return await this.citizen.api.send<PushChanges>('GET', `${PUSH_PATHS.changes}${query}`);
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#listener?.[Symbol.dispose]();
  }

  #take(text: string, told: number[]): void {
    this.texts += 1;
    if (text === PUSH_TEXTS.notification) this.lastReminderAt = performance.now();
    if (!text.startsWith('or-object-')) return;
    told.push(this.#numbers.of(text));
    this.lastObjectAt = performance.now();
  }

  async #reconnect(next: () => string): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.connect(next(), next);
        return;
      } catch {
        await delay(RETRY_MS);
      }
    }
  }
}
