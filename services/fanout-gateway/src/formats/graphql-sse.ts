import { formatTimestamp } from '@tidewire/contract';
import type { ErrorCode, GraphqlErrorEntry, GraphqlResult, Resync, StreamEnd } from '@tidewire/contract';
import { chunk, sseFrame, ssePosition } from './sse.ts';
import type { SseWords } from './sse.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * GraphQL over SSE, one connection for each subscription (PROTOCOL.md, GraphQL): `next` and `complete` are all the events
 * that its clients know, and any other is fatal to them. Comments and ids are passed over by them; an EventSource keeps the
 * ids.
 */
const NEXT = 'next';

/**
 * The id of `complete`: an EventSource that was not closed by its page comes back with it, and can be told that there is
 * nothing more.
 */
export const COMPLETED = 'complete';

export const GRAPHQL_SSE_FRAMES: WireFormat = Object.freeze({
  named: false,
  event: ({ id, json }) => chunk(sseFrame(id, NEXT, json)),
  change: ({ id, members }) => chunk(sseFrame(id, NEXT, `{${members}}`)),
  position: (position) => chunk(ssePosition(position)),
  resync: (resync) => chunk(graphqlResync(resync)),
} satisfies WireFormat);

export const GRAPHQL_WORDS: SseWords = Object.freeze({
  resync: graphqlResync,
  expiring: (expiresAt: number) => `event: ${NEXT}\ndata: ${formatExpiringResult(expiresAt)}\n\n`,
  held: () => '',
  // A client that is told `complete` does not come back: what it can come back from just ends.
  end: ({ code, reason, reconnect }: StreamEnd) =>
    reconnect ? '' : formatFinalErrors([{ code, message: reason }]),
});

function graphqlResync(resync: Resync): string {
  return sseFrame(resync.current, NEXT, formatResyncResult(resync));
}

/** "Fetch again", as the result of a subscription. */
export function formatResyncResult(resync: Resync): string {
  return formatResult({ data: null, extensions: { resync } });
}

/** "Renew your credential", as the result of a subscription. `expiresAt`: wall-clock milliseconds. */
export function formatExpiringResult(expiresAt: number): string {
  return formatResult({
    data: null,
    extensions: { credentialExpiring: { expiresAt: formatTimestamp(expiresAt) } },
  });
}

/** Why there is nothing, or nothing more, and that this was all. */
export function formatFinalErrors(
  errors: readonly { readonly code: ErrorCode; readonly message: string }[],
): string {
  return formatRefusal(errors.map(({ code, message }) => ({ message, extensions: { code } })));
}

/** The same with errors as GraphQL has them. */
export function formatRefusal(errors: readonly GraphqlErrorEntry[]): string {
  const result = formatResult({ errors: [...errors] });
  return `event: ${NEXT}\ndata: ${result}\n\nevent: complete\nid: ${COMPLETED}\ndata: \n\n`;
}

function formatResult(result: GraphqlResult): string {
  return JSON.stringify(result);
}
