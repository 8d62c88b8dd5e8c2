import { ClientError } from '@tidewire/client';
import { useCallback, useEffect, useRef, useState } from 'react';

export interface Deed {
  readonly busy: boolean;
  /** Why the last one failed, until the next begins. */
  readonly error: ClientError | undefined;
  /** Begins another; one that is still under way is given up. */
  readonly run: (work: (signal: AbortSignal) => Promise<void>) => void;
  readonly forget: () => void;
}

/** What somebody asked for, once: given up when the component goes. */
export function useDeed(): Deed {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ClientError>();
  const current = useRef<AbortController>(undefined);
  useEffect(() => () => current.current?.abort(), []);
  const run = useCallback((work: (signal: AbortSignal) => Promise<void>) => {
    current.current?.abort();
    const abort = new AbortController();
    current.current = abort;
    setBusy(true);
    setError(undefined);
    void work(abort.signal)
      .catch((failure: unknown) => {
        if (abort.signal.aborted) return;
        setError(failure instanceof ClientError ? failure : new ClientError('UNKNOWN', String(failure)));
      })
      .finally(() => {
        if (!abort.signal.aborted) setBusy(false);
      });
  }, []);
  const forget = useCallback(() => setError(undefined), []);
  return { busy, error, run, forget };
}
