import type {
  LogPosition,
  SubscriberAddress,
  TopicFilter,
  WebhookMode,
  WebhookOutcome,
} from '@tidewire/contract';

/** Whose webhook it is, and by which rights it is told. */
export interface WebhookOwner {
  readonly principal: string;
  /** The token that it goes with, or another credential with scopes, by which it is limited; null: neither. */
  readonly credential: string | null;
}

/** What is followed. */
export interface Follows {
  readonly topics: readonly string[];
  readonly filter: TopicFilter | null;
  readonly fields: readonly string[] | null;
}

/** The secret before the last rotation, while it signs. */
export interface PreviousSecret {
  readonly secret: string;
  readonly untilMs: number;
}

/** How an endpoint is posted to. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly mode: WebhookMode;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly previousSecret: PreviousSecret | null;
}

/** The event that could not be delivered yet. */
export interface Failing {
  readonly eventId: string;
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

/** A webhook that this process delivers. */
export interface HeldWebhook extends Endpoint, WebhookOwner, Follows {
  readonly name: string;
  /** Rises with every change by its owner. */
  readonly revision: number;
  /** Everything up to here was delivered, passed over, or not for the owner. */
  readonly cursor: LogPosition;
  readonly failing: Failing | null;
  /** In a row, over all events. */
  readonly failures: number;
  /** Things that are over and done with: delivered or passed over. */
  readonly settled: number;
}

/** What became of one attempt, as it is written down. */
export interface LogLine {
  readonly eventId: string;
  readonly type: string;
  /** 0: asked for by hand. */
  readonly attempt: number;
  readonly atMs: number;
  readonly durationMs: number;
  readonly outcome: WebhookOutcome;
  readonly status: number | null;
  readonly message: string;
  readonly answer: string | null;
}

/** An event that was passed over. */
export interface DeadLetter {
  readonly webhook: string;
  readonly principal: string;
  readonly eventId: string;
  readonly type: string;
  readonly attempts: number;
}

/** Where its feed is asked for. */
export function addressOf({ principal, credential }: WebhookOwner): SubscriberAddress {
  return { principal, credential };
}
