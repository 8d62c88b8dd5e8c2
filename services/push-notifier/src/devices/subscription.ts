import { createECDH } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { PushSubscription } from '@tidewire/contract';
import { checkTarget } from '../targets/check-target.ts';
import type { TargetRules } from '../targets/target-url.ts';
import { hostOf } from '../targets/target-url.ts';

/** Where a device is reached, in the one spelling in which it is kept and compared. */
export interface CheckedSubscription {
  readonly endpoint: string;
  readonly host: string;
  readonly keys: PushSubscription['keys'];
}

const ENDPOINT = '/subscription/endpoint';
/** Its endpoints knew no keys, and what encrypts for devices would say so on standard output. */
const ENDED_SERVICE = 'android.googleapis.com';

/** What can be said of a subscription without asking its push service. @throws TidewireError VALIDATION_ERROR */
export function checkSubscription(
  { endpoint, keys }: PushSubscription,
  { allowPrivate }: TargetRules,
): CheckedSubscription {
  const url = checkTarget(endpoint, { allowPrivate, field: ENDPOINT });
  if (url.host === ENDED_SERVICE) throw refused(ENDPOINT, 'is of Google Cloud Messaging, which has ended');
  requirePoint(keys.p256dh);
  url.hash = '';
  return { endpoint: url.href, host: hostOf(url), keys };
}

/** What is no point of the curve has the right length all the same, and would fail with every message. */
function requirePoint(p256dh: string): void {
  const curve = createECDH('prime256v1');
  curve.generateKeys();
  try {
    curve.computeSecret(p256dh, 'base64url');
  } catch (error) {
    throw refused('/subscription/keys/p256dh', 'is not a point of the curve P-256', error);
  }
}

function refused(field: string, message: string, cause?: unknown): TidewireError {
  const name = field.slice(field.lastIndexOf('/') + 1);
  return new TidewireError('VALIDATION_ERROR', `${name} ${message}.`, {
    errors: [{ field, message }],
    cause,
  });
}
