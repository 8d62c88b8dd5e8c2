import type { LivePage, LivePageList } from '@tidewire/contract';
import { useEffect, useState } from 'react';

/** Something that is asked for: until it is there, and when it could not be had. */
export type Loaded<Content> =
  | { readonly state: 'loading' }
  | { readonly state: 'there'; readonly content: Content }
  | { readonly state: 'missing' }
  | { readonly state: 'failed'; readonly message: string };

/** The pages that there are. */
export function usePages(): Loaded<LivePageList> {
  return useLoaded<LivePageList>('/api/pages');
}

/** One page. */
export function usePage(path: string): Loaded<LivePage> {
  return useLoaded<LivePage>(`/api/pages/definition?path=${encodeURIComponent(path)}`);
}

interface Answer<Content> {
  readonly address: string;
  /** Tells whether another answer says something else. */
  readonly text: string;
  readonly loaded: Loaded<Content>;
}

/** Asks, and again whenever somebody looks at the page anew: who edits the file of pages sees what came of it. */
function useLoaded<Content>(address: string): Loaded<Content> {
  const [answer, setAnswer] = useState<Answer<Content>>();
  useEffect(() => {
    const asked = new AbortController();
    const ask = (): void => {
      if (document.visibilityState === 'hidden') return;
      load<Content>(address, asked.signal).then(
        (next) => setAnswer((last) => (last?.address === address && last.text === next.text ? last : next)),
        () => undefined,
      );
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      document.removeEventListener('visibilitychange', ask);
      asked.abort();
    };
  }, [address]);
  return answer?.address === address ? answer.loaded : { state: 'loading' };
}

/** Rejects when it was given up; any other trouble is an answer. */
async function load<Content>(address: string, signal: AbortSignal): Promise<Answer<Content>> {
  try {
    const response = await fetch(address, { signal, cache: 'no-store' });
    const text = await response.text();
    if (response.ok)
      return { address, text, loaded: { state: 'there', content: JSON.parse(text) as Content } };
    if (response.status === 404) return { address, text: 'missing', loaded: { state: 'missing' } };
  } catch (error) {
    if (signal.aborted) throw error;
  }
  const message = 'The server does not answer. It is asked again when you come back to this page.';
  return { address, text: message, loaded: { state: 'failed', message } };
}
