import { ClientError } from '@tidewire/client';
import type { AuditEntry, AuditPage, StreamEnd } from '@tidewire/contract';
import { useCallback, useEffect, useState } from 'react';
import { callApi, withQuery } from '../frame/api.ts';
import { addEntry } from './audit-entries.ts';

/** So many entries of the past are there when the tail begins. */
const FIRST_ENTRIES = 50;

export interface AuditTail {
  readonly entries: readonly AuditEntry[] | undefined;
  /** `behind`: the connection is away and comes back by itself; `ended`: only `restart` goes on from here. */
  readonly state: 'loading' | 'live' | 'behind' | 'ended';
  readonly error: ClientError | undefined;
  readonly restart: () => void;
}

type State = Omit<AuditTail, 'restart'>;
const LOADING: State = { entries: undefined, state: 'loading', error: undefined };

/** The newest changes of rights of one kind, or of all, and every one that comes. */
export function useAuditTail(kind: string): AuditTail {
  const [state, setState] = useState<State>(LOADING);
  const [attempt, setAttempt] = useState(0);
  const restart = useCallback(() => setAttempt((count) => count + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    setState(LOADING);
    const change = (part: Partial<State>): void => {
      if (!signal.aborted) setState((before) => ({ ...before, ...part }));
    };
    const begin = async (): Promise<void> => {
      const list = withQuery('/api/audit', { kind, order: 'newest', limit: FIRST_ENTRIES });
      const { entries } = await callApi<AuditPage>(list, { signal });
      if (signal.aborted) return;
      change({ entries });
      const stream = new EventSource(
        withQuery('/api/audit/subscribe', { kind, lastEventId: entries[0]?.id }),
      );
      signal.addEventListener('abort', () => stream.close());
      listen(stream, {
        change,
        add: (entry) => setState((before) => ({ ...before, entries: addEntry(before.entries ?? [], entry) })),
        again: restart,
      });
    };
    begin().catch((failure: unknown) => {
      const error = failure instanceof ClientError ? failure : new ClientError('UNKNOWN', String(failure));
      change({ state: 'ended', error });
    });
    return () => abort.abort();
  }, [kind, attempt, restart]);

  return { ...state, restart };
}

interface Sinks {
  readonly change: (part: Partial<State>) => void;
  readonly add: (entry: AuditEntry) => void;
  /** Reads the list anew. */
  readonly again: () => void;
}

function listen(stream: EventSource, { change, add, again }: Sinks): void {
  stream.addEventListener('open', () => change({ state: 'live' }));
  stream.addEventListener('message', ({ data }: MessageEvent<string>) => add(JSON.parse(data) as AuditEntry));
  stream.addEventListener('resync', () => {
    stream.close();
    again();
  });
  stream.addEventListener('end', ({ data }: MessageEvent<string>) => {
    const { code, reason, reconnect } = JSON.parse(data) as StreamEnd;
    if (reconnect) return;
    stream.close();
    change({ state: 'ended', error: new ClientError(code, reason) });
  });
  // A stream that the server refused is closed; every other one the browser opens again by itself.
  stream.addEventListener('error', () =>
    change({ state: stream.readyState === EventSource.CLOSED ? 'ended' : 'behind' }),
  );
}
