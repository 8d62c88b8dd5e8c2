import { ClientError } from '@tidewire/client';
import { useCallback, useEffect, useState } from 'react';
import { callApi } from './api.ts';

export interface Answered<Answer> {
  /** The last answer to this very request; it stays while a newer one is awaited or refused. */
  readonly answer: Answer | undefined;
  /** Why the last attempt failed. */
  readonly error: ClientError | undefined;
  readonly loading: boolean;
  /** When the last answer came: milliseconds since 1970. */
  readonly at: number | undefined;
  readonly reload: () => void;
}

interface Options {
  /** Asks again this long after each answer, while the page can be seen. Milliseconds. */
  readonly everyMs?: number;
  readonly alsoStatus?: number;
}

interface State<Answer> {
  readonly path: string | undefined;
  readonly answer?: Answer;
  readonly error?: ClientError | undefined;
  readonly loading: boolean;
  readonly at?: number;
}

/** A GET of the API for as long as the component is there. `undefined` asks nothing. */
export function useAnswer<Answer>(path: string | undefined, options: Options = {}): Answered<Answer> {
  const { everyMs, alsoStatus } = options;
  const [state, setState] = useState<State<Answer>>({ path, loading: path !== undefined });
  const [attempt, setAttempt] = useState(0);
  const reload = useCallback(() => setAttempt((count) => count + 1), []);

  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    const { signal } = abort;
    setState((before) => (before.path === path ? { ...before, loading: true } : { path, loading: true }));
    const ask = async (): Promise<void> => {
      try {
        const request = alsoStatus === undefined ? { signal } : { signal, alsoStatus };
        const answer = await callApi<Answer>(path, request);
        if (!signal.aborted) setState({ path, answer, loading: false, at: Date.now() });
      } catch (error) {
        if (signal.aborted) return;
        const refusal = error instanceof ClientError ? error : new ClientError('UNKNOWN', String(error));
        setState((before) => ({ ...before, loading: false, error: refusal }));
      }
    };
    const stop = everyMs === undefined ? once(ask) : repeat(ask, everyMs);
    return () => {
      stop();
      abort.abort();
    };
  }, [path, everyMs, alsoStatus, attempt]);

  // Of another request than the last one nothing is known yet.
  const own = state.path === path ? state : { loading: path !== undefined };
  const { answer, error, loading, at } = own as State<Answer>;
  return { answer, error, loading, at, reload };
}

function once(ask: () => Promise<void>): () => void {
  void ask();
  return () => undefined;
}

/** One after the other, with a pause between them that lasts as long as nobody can see the page. */
function repeat(ask: () => Promise<void>, everyMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let over = false;
  const go = async (): Promise<void> => {
    clearTimeout(timer);
    if (busy || over || document.visibilityState === 'hidden') return;
    busy = true;
    await ask();
    busy = false;
    if (!over) timer = setTimeout(() => void go(), everyMs);
  };
  const look = (): void => void go();
  document.addEventListener('visibilitychange', look);
  void go();
  return () => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
