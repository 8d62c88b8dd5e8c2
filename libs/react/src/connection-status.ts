import type { LinkStatus } from '@tidewire/client';
import { useMemo, useSyncExternalStore } from 'react';
import { useClient } from './provider.ts';

const NOT_CONNECTED: LinkStatus = Object.freeze({
  state: 'idle',
  transport: null,
  exhausted: false,
  retryAt: null,
  error: null,
});

/** How the client is connected. On the server it is not. */
export function useConnectionStatus(): LinkStatus {
  const client = useClient();
  const status = useMemo(
    () => ({
      subscribe: (listener: () => void) => client.onStatus(listener),
      look: () => client.getStatus(),
    }),
    [client],
  );
  return useSyncExternalStore(status.subscribe, status.look, notConnected);
}

function notConnected(): LinkStatus {
  return NOT_CONNECTED;
}
