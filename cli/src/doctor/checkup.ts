/** What is checked of push, in this order, with the words of each line. */
export const CHECKS = Object.freeze({
  'origin': 'the installation answers',
  'credential': 'the credential is good',
  'capabilities': 'the capabilities name notify_push',
  'endpoints': 'its endpoints are of this origin',
  'upgrade': 'a WebSocket can be opened',
  'pre-auth': 'a token for the WebSocket is given',
  'login': 'the token lets in',
  'token-once': 'the token counts only once',
  'server-ping': 'the server pings',
  'own-ping': 'pings are answered on both sides',
  'password': 'a user name and a password let in',
  'changes': 'changes can be read',
  'notifications': 'notifications can be listed',
  'write': 'a row is written',
  'object-message': 'or-object-… arrives',
  'reminder': 'notify_notification arrives',
  'change-found': 'the change is listed',
  'notification-found': 'the notification is listed',
  'delete': 'the row is deleted again',
} as const);
export type CheckName = keyof typeof CHECKS;

/** What became of one check. */
export interface CheckReport {
  readonly check: CheckName;
  readonly result: 'ok' | 'failed' | 'skipped';
  /** What was found, what is wrong, or why it was skipped. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
  /** How long it took; null when skipped. */
  readonly ms: number | null;
}

/** Something is wrong, and what to do about it, both in words for whoever runs the installation. */
export class CheckFault extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.name = 'CheckFault';
    this.advice = advice;
  }
}

/** A check that makes no sense here; the message says why. */
export class NotApplicable extends Error {}

/** What a check found, in words, and for the checks that come after it. */
export interface Found<Value = undefined> {
  readonly text: string;
  readonly value: Value;
  /** How long it took where that is not how long the check ran, milliseconds. */
  readonly ms?: number;
}

export interface CheckOptions {
  /** Skipped unless all of these went well. */
  readonly needs?: readonly CheckName[];
  /** Default: that of the checkup. */
  readonly limitMs?: number;
  /** What is said when the time is over. */
  readonly late?: CheckFault;
  /** What it may do when the checkup is interrupted: `end` what it began, or be done `always`, to put things back. */
  readonly interrupted?: 'end' | 'always';
}

export interface CheckupOptions {
  /** How long one check may take, milliseconds. */
  readonly limitMs: number;
  /** How long one may take that waits for what is put off on purpose. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onReport: (report: CheckReport) => void;
}

/** Runs checks one after the other, each within its time, and skips those that make no sense any more. */
export class Checkup {
  readonly #options: CheckupOptions;
  readonly #results = new Map<CheckName, CheckReport['result']>();

  constructor(options: CheckupOptions) {
    this.#options = options;
  }

  /** Whether nothing failed so far. */
  get isHealthy(): boolean {
    return ![...this.#results.values()].includes('failed');
  }

  get patienceMs(): number {
    return this.#options.patienceMs;
  }

  /** Does one check. Returns what it found; undefined when it failed or was skipped. */
  async check<Value>(
    name: CheckName,
    step: (signal: AbortSignal) => Promise<Found<Value>>,
    { needs = [], limitMs = this.#options.limitMs, late, interrupted }: CheckOptions = {},
  ): Promise<Value | undefined> {
    const missing = needs.find((need) => this.#results.get(need) !== 'ok');
    if (missing !== undefined) {
      this.skip(name, `“${CHECKS[missing]}” comes first`);
      return undefined;
    }
    const stop = this.#options.signal;
    if (stop.aborted && interrupted !== 'always') {
      this.skip(name, 'interrupted');
      return undefined;
    }
    const began = performance.now();
    const timeout = AbortSignal.timeout(limitMs);
    const signal = interrupted === undefined ? AbortSignal.any([timeout, stop]) : timeout;
    try {
      const { text, value, ms } = await beforeAbort(step(signal), signal);
      this.#report({ check: name, result: 'ok', text, ms: ms ?? performance.now() - began });
      return value;
    } catch (error) {
      const ms = performance.now() - began;
      if (error instanceof NotApplicable) this.skip(name, error.message);
      else if (!signal.aborted) this.#fail(name, faultOf(error), ms);
      else if (timeout.aborted) this.#fail(name, late ?? slow(limitMs), ms);
      else this.skip(name, 'interrupted');
      return undefined;
    }
  }

  /** Says that something is not checked. */
  skip(name: CheckName, text: string): void {
    this.#report({ check: name, result: 'skipped', text, ms: null });
  }

  #fail(name: CheckName, { message, advice }: CheckFault, ms: number): void {
    this.#report({ check: name, result: 'failed', text: message, advice, ms });
  }

  #report(report: CheckReport): void {
    this.#results.set(report.check, report.result);
    this.#options.onReport(report);
  }
}

function slow(limitMs: number): CheckFault {
  return new CheckFault(
    `no answer within ${limitMs / 1000} s`,
    'See whether the installation, or a proxy in front of it, is overloaded, and what its logs say.',
  );
}

function faultOf(error: unknown): CheckFault {
  if (error instanceof CheckFault) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new CheckFault(text, 'This was not expected: please report it with the logs of the push notifier.');
}

/** What `work` comes to, or the abort if that is sooner, even where the work takes no notice of it. */
async function beforeAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error('aborted'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
