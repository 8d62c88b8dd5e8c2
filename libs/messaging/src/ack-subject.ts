/** Where a message that was delivered stands. */
export interface Place {
  /** In the stream. */
  readonly sequence: number;
  /** How many the consumer had delivered with it. */
  readonly delivery: number;
  /** How many more match. */
  readonly pending: number;
}

/**
 * `$JS.ACK.{stream}.{consumer}.{tries}.{sequence}.{delivery}.{time}.{pending}`, newer servers with a domain and an
 * account hash after `ACK` and a random token at the end. Undefined for anything else: then it is a status message.
 */
export function parseAckSubject(reply: string | undefined): Place | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const offset = tokens.length === 9 ? 5 : 7;
  const sequence = Number(tokens[offset]);
  const delivery = Number(tokens[offset + 1]);
  const pending = Number(tokens[offset + 3]);
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(delivery)) return undefined;
  return { sequence, delivery, pending };
}
