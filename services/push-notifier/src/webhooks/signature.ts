import { createHmac, randomBytes } from 'node:crypto';
import { WEBHOOK_HEADERS, WEBHOOK_SECRET_PREFIX } from '@tidewire/contract';
import type { Endpoint } from './webhook.ts';

/** Standard Webhooks wants 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** A new secret: `whsec_` and the key in base64. */
export function createSecret(): string {
  return `${WEBHOOK_SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

export interface Signed {
  /** Names the message, the same at each attempt. Without a dot: that is what separates it from the time. */
  readonly id: string;
  readonly nowMs: number;
  readonly body: Buffer;
}

/**
 * The headers that prove a delivery: those of Standard Webhooks, with one signature for each secret that counts, and the one
 * of the registers contract, by the newest secret alone, because it has room for one.
 */
export function signatureHeaders(
  { secret, previousSecret }: Pick<Endpoint, 'secret' | 'previousSecret'>,
  { id, nowMs, body }: Signed,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const secrets = [secret];
  if (previousSecret !== null && nowMs < previousSecret.untilMs) secrets.push(previousSecret.secret);
  return {
    [WEBHOOK_HEADERS.id]: id,
    [WEBHOOK_HEADERS.timestamp]: timestamp,
    [WEBHOOK_HEADERS.signature]: secrets
      .map((each) => `v1,${hmac(keyOf(each), `${id}.${timestamp}.`, body).toString('base64')}`)
      .join(' '),
    [WEBHOOK_HEADERS.bodySignature]: hmac(Buffer.from(secret), '', body).toString('hex'),
  };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(WEBHOOK_SECRET_PREFIX.length), 'base64');
}

function hmac(key: Buffer, before: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(before).update(body).digest();
}
