/** A message that waits for its answer, and what had been sent up to it. */
interface Question {
  readonly messages: number;
  readonly bytes: number;
  /** Monotonic milliseconds at which it was sent. */
  readonly at: number;
}

export interface FeedWindowLimits {
  /** Messages that wait for an answer at once. */
  readonly messages: number;
  /** Bytes of them. One message may always. */
  readonly bytes: number;
}

/**
 * Flow control of one stream of messages: each wants an answer, and no more than a window full of messages is sent after
 * the last one that was answered. An answer stands for everything that was sent before it. That each wants one is also how
 * NATS tells of each that reached nobody.
 */
export class FeedWindow {
  readonly #limits: FeedWindowLimits;
  #sentMessages = 0;
  #sentBytes = 0;
  #answeredMessages = 0;
  #answeredBytes = 0;
  #questions: Question[] = [];

  constructor(limits: FeedWindowLimits) {
    this.#limits = limits;
  }

  /** Whether another message may be sent. */
  get open(): boolean {
    const messages = this.#sentMessages - this.#answeredMessages;
    const bytes = this.#sentBytes - this.#answeredBytes;
    return messages < this.#limits.messages && (messages === 0 || bytes < this.#limits.bytes);
  }

  /** Since when the oldest message waits for its answer, monotonic milliseconds; undefined when none does. */
  get waitingSince(): number | undefined {
    return this.#questions[0]?.at;
  }

  /** Counts a message that is sent now, and returns the number that its answer has to name. */
  sent(bytes: number, now: number): number {
    this.#sentMessages += 1;
    this.#sentBytes += bytes;
    this.#questions.push({ messages: this.#sentMessages, bytes: this.#sentBytes, at: now });
    return this.#sentMessages;
  }

  /** Takes an answer. One that nobody waits for, or that came twice, changes nothing. */
  answered(number: number): void {
    const index = this.#questions.findIndex(({ messages }) => messages === number);
    const question = this.#questions[index];
    if (question === undefined) return;
    this.#answeredMessages = question.messages;
    this.#answeredBytes = question.bytes;
    this.#questions = this.#questions.slice(index + 1);
  }
}
