import type { LinkState, LinkStatus } from '@tidewire/client';

const WORDS: Readonly<Record<LinkState, string>> = {
  idle: 'Not connected.',
  connecting: 'Connecting.',
  live: 'Catching up.',
  held: 'Connected; the server holds events back until it can confirm rights again.',
  silent: 'Nothing was heard for a while; looking into it.',
  waiting: 'Not connected; trying again soon.',
  offline: 'This machine has no network.',
  refused: 'The server refused the connection.',
  closed: 'The connection was closed.',
};

/** Why events do not come as they happen, for people. */
export function describeLink({ state, error }: Pick<LinkStatus, 'state' | 'error'>): string {
  const words = WORDS[state];
  return error === null ? words : `${words} ${error.message}`;
}
