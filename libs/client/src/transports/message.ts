import type { StreamMessage } from '@tidewire/contract';
import { unusableAnswer } from '../http/http.ts';

/**
 * A message of the server (PROTOCOL.md 5.2), of which nothing but its `type` is looked at: it may be one that nobody knew
 * when this was written, which nobody will take. Undefined for what has none.
 *
 * @throws ClientError UNUSABLE_ANSWER for what is not JSON.
 */
export function parseMessage(text: string): StreamMessage | undefined {
  const value = parseObject(text);
  return typeof value['type'] === 'string' ? (value as StreamMessage) : undefined;
}

/** The members of a JSON object; none of anything else. @throws ClientError UNUSABLE_ANSWER for what is not JSON. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw unusableAnswer('A message is not JSON', { cause });
  }
}
