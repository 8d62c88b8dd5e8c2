import type { Presence, PresenceSnapshot } from '@tidewire/client';
import { useMemo, useSyncExternalStore } from 'react';
import { useClient } from './provider.ts';

const NOBODY_YET: PresenceSnapshot = Object.freeze({ users: Object.freeze([]), state: 'idle', error: null });

/** Who is on a page. Whoever is mounted is on it, too. On the server nobody is. */
export function usePresence(pagePath: string): PresenceSnapshot {
  const client = useClient();
  const page = useMemo(() => {
    // Not before somebody looks, which on the server nobody does.
    let known: Presence | undefined = undefined;
    const presence = (): Presence => (known ??= client.presence(pagePath));
    return {
      subscribe: (listener: () => void) => presence().subscribe(listener),
      look: () => presence().getSnapshot(),
    };
  }, [client, pagePath]);
  return useSyncExternalStore(page.subscribe, page.look, nobodyYet);
}

function nobodyYet(): PresenceSnapshot {
  return NOBODY_YET;
}
