import type { LinkStatus } from '@tidewire/client';
import type { ViewState } from '@tidewire/react';

/** What a table says of how fresh its rows are. */
export interface Freshness {
  /** `good`: the rows are the server's now. `warn`: they may not be. */
  readonly tone: 'good' | 'busy' | 'warn' | 'bad' | 'plain';
  readonly words: string;
  /** Whether the moment to which the rows are true is to be said. */
  readonly dated: boolean;
}

interface Told {
  readonly state: ViewState;
  readonly link: Pick<LinkStatus, 'state'>;
  readonly realtime: boolean;
  readonly pollIntervalMs: number;
  /** The last attempt to fetch failed. */
  readonly failing: boolean;
}

/** Never more than is known: `Live` is the server's word, and of everything else the moment is said to which it was true. */
export function freshnessOf({ state, link, realtime, pollIntervalMs, failing }: Told): Freshness {
  switch (state) {
    case 'live':
      return { tone: 'good', words: 'Live', dated: false };
    case 'loading':
      return failing
        ? { tone: 'warn', words: 'No answer yet; trying again', dated: false }
        : { tone: 'busy', words: 'Loading', dated: false };
    case 'refreshing':
      return { tone: 'busy', words: 'Catching up', dated: true };
    case 'behind':
      return { tone: 'warn', words: wordsOfLink(link.state), dated: true };
    case 'polling':
      if (failing) return { tone: 'warn', words: 'Could not refresh', dated: true };
      return realtime
        ? { tone: 'warn', words: 'No live connection; refreshed now and then', dated: true }
        : { tone: 'plain', words: `Every ${pollIntervalMs / 1000} s`, dated: true };
    case 'settled':
      return { tone: 'plain', words: 'Not refreshed', dated: true };
    case 'failed':
      return { tone: 'bad', words: 'Refused', dated: false };
    case 'closed':
      return { tone: 'bad', words: 'Closed', dated: true };
  }
}

function wordsOfLink(state: LinkStatus['state']): string {
  switch (state) {
    case 'offline':
      return 'Offline';
    case 'waiting':
    case 'silent':
      return 'Connection lost; trying again';
    case 'held':
      return 'Held by the server';
    case 'refused':
      return 'Connection refused';
    case 'live':
      return 'Catching up';
    default:
      return 'Connecting';
  }
}
