import type { POLL_PARAMETERS, QUERY_PARAMETERS } from '@tidewire/contract';
import type { Handshake } from './transport.ts';

/** The names of the address, as the server has them. */
type Parameter =
  | (typeof POLL_PARAMETERS)[keyof typeof POLL_PARAMETERS]
  | (typeof QUERY_PARAMETERS)['topic' | 'events' | 'lastEventId'];

/**
 * The address of a long poll (PROTOCOL.md 4.6) that asks for what a handshake does. A poll has no order to tell places in:
 * `sort` is left out.
 */
export function formatPollAddress(
  base: string,
  handshake: Handshake,
  { lastEventId, timeoutMs }: { readonly lastEventId: string | undefined; readonly timeoutMs: number },
): string {
  const query = new URLSearchParams();
  const set = (name: Parameter, value: string | undefined): void => {
    if (value !== undefined) query.set(name, value);
  };
  if ('table' in handshake) {
    set('table', handshake.table);
    set('filter', formatFilter(handshake));
  } else {
    set('topic', handshake.topic);
    set('events', handshake.events?.join(','));
    for (const [field, wanted] of Object.entries(handshake.filter ?? {})) {
      // A field may be called like a parameter: this form is never taken for one.
      const name = `filter[${field}]`;
      if (typeof wanted !== 'object') query.append(name, String(wanted));
      else
        for (const [operator, value] of Object.entries(wanted))
          query.append(`${name}[${operator}]`, String(value));
    }
  }
  set('fields', handshake.fields?.join(','));
  set('lastEventId', lastEventId);
  set('timeoutMs', String(timeoutMs));
  return `${base}/api/realtime/poll?${query.toString()}`;
}

/** A filter as text: JSON where it is not one already. */
export function formatFilter({ filter }: Handshake): string | undefined {
  return filter === undefined || typeof filter === 'string' ? filter : JSON.stringify(filter);
}
