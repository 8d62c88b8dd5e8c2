import type { DeviceTest } from '@tidewire/contract';
import type { TargetAnswer } from '../targets/target-client.ts';
import type { TargetError } from '../targets/target-error.ts';

/**
 * What came of posting a message: it was taken; the device is not there any more; it is not taken, however often it is tried; or
 * it may be taken later.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'gone'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number | null; readonly reason: string }
  | {
      readonly kind: 'later';
      readonly status: number | null;
      readonly reason: string;
      /** What the push service asks for. */
      readonly waitMs?: number;
    };

/** Not the message's fault, and not for good. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** What the answer of a push service means (RFC 8030, RFC 8292). */
export function judgeAnswer({ status, retryAfterMs }: Omit<TargetAnswer, 'body'>): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  if (status === 404 || status === 410) return { kind: 'gone', status };
  const reason = `status-${status}`;
  if (!LATER.has(status) && status < 500) return { kind: 'refused', status, reason };
  return { kind: 'later', status, reason, ...(retryAfterMs !== undefined && { waitMs: retryAfterMs }) };
}

/** What it means that there was no answer. */
export function judgeFailure({ reason }: TargetError): Outcome {
  return { kind: reason === 'refused-address' ? 'refused' : 'later', status: null, reason };
}

const WORDS: Readonly<Record<string, string>> = Object.freeze({
  'status-400': 'The push service does not understand the message (400).',
  'status-401': 'The push service does not take messages from this server for this device (401).',
  'status-403': 'The push service does not take messages from this server for this device (403).',
  'status-413': 'The message is too large for the push service (413).',
  'status-429': 'The push service gets too many messages (429).',
  // Which of the two is told to nobody: names of the own network are not for users to find out.
  'refused-address': 'The name of the push service leads to no address of the public internet.',
  'unresolvable': 'The name of the push service leads to no address of the public internet.',
  'unreachable': 'The push service cannot be reached.',
  'timed-out': 'The push service did not answer in time.',
  'malformed-answer': 'What answers there is no push service.',
  'too-large': 'What answers there is no push service.',
});

/** An outcome for the owner of the device. */
export function describeOutcome(outcome: Outcome): DeviceTest {
  const { kind, status } = outcome;
  switch (kind) {
    case 'delivered':
      return { outcome: 'delivered', status, message: `The push service took the message (${status}).` };
    case 'gone':
      return {
        outcome: 'gone',
        status,
        message: `The device is not there any more (${status}), and was removed here.`,
      };
    case 'refused':
    case 'later':
      return {
        outcome: kind === 'refused' ? 'refused' : 'failed',
        status,
        message: WORDS[outcome.reason] ?? `The push service did not take the message (${status}).`,
      };
  }
}
