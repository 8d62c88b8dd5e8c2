import { TidewireError, WEBHOOK_LIMITS } from '@tidewire/contract';
import type { Clock } from '@tidewire/service-kit';
import type { TargetClient } from '../targets/target-client.ts';
import { TargetError } from '../targets/target-error.ts';
import type { Endpoint } from './webhook.ts';
import type { WebhookEvent } from './webhook-event.ts';
import { formatWebhookRequest } from './webhook-request.ts';

/** What came of one request. */
export interface Attempt {
  /** `gone`: the endpoint wants nothing any more (410). */
  readonly outcome: 'delivered' | 'failed' | 'gone';
  readonly status: number | null;
  readonly message: string;
  readonly answer: string | null;
  readonly atMs: number;
  readonly durationMs: number;
  readonly retryAfterMs: number | undefined;
}

export interface AttemptOptions {
  readonly targets: TargetClient;
  readonly clock: Clock;
}

/**
 * Posts an event to an endpoint, once. Whatever the endpoint does is an attempt.
 *
 * @throws the reason of `signal` when that ended it: nobody knows then whether it arrived.
 */
export async function attemptDelivery(
  { targets, clock }: AttemptOptions,
  endpoint: Endpoint,
  event: WebhookEvent,
  signal: AbortSignal,
): Promise<Attempt> {
  const atMs = clock.now();
  const startedAt = clock.monotonic();
  const finish = (result: Pick<Attempt, 'outcome' | 'status' | 'message' | 'answer'>): Attempt => ({
    ...result,
    atMs,
    durationMs: Math.max(0, Math.round(clock.monotonic() - startedAt)),
    retryAfterMs: undefined,
  });
  try {
    const { headers, body } = formatWebhookRequest(endpoint, event, atMs);
    const request = { headers, body, timeoutMs: WEBHOOK_LIMITS.answerMs, signal };
    const { status, retryAfterMs, body: answer } = await targets.post(endpoint.url, request);
    return {
      ...finish({
        outcome: outcomeOf(status),
        status,
        message: `The endpoint answered ${status}.`,
        answer: quoteAnswer(answer, endpoint),
      }),
      retryAfterMs,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    return finish({ outcome: 'failed', status: null, message: wordsOf(error), answer: null });
  }
}

function outcomeOf(status: number): Attempt['outcome'] {
  if (status >= 200 && status < 300) return 'delivered';
  return status === 410 ? 'gone' : 'failed';
}

function wordsOf(error: unknown): string {
  if (error instanceof TargetError || error instanceof TidewireError) return error.message;
  // Its text could hold a header.
  return 'The request could not be made.';
}

/** Endpoints that answer with what they were sent are common; the owner's headers are told to nobody. */
function quoteAnswer(answer: string, { headers, secret, previousSecret }: Endpoint): string {
  let text = answer;
  const secrets = [
    ...Object.values(headers),
    secret,
    ...(previousSecret === null ? [] : [previousSecret.secret]),
  ];
  // The longest first: one may hold another.
  for (const each of secrets.toSorted((a, b) => b.length - a.length))
    text = text.replaceAll(each, '[hidden]');
  // PostgreSQL stores no NUL, and JSON no half of a character.
  return text.replaceAll('\0', '').slice(0, WEBHOOK_LIMITS.answerCharacters).toWellFormed();
}
