import { useMemo, useSyncExternalStore } from 'react';
import type { MouseEvent, ReactElement, ReactNode } from 'react';

/** Where the console is: every view is an address, so that it can be kept and sent. */
export interface Place {
  /** Segments after `/console`, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const ROOT = '/console';
/** Told on every move that the browser does not tell of itself. */
const moves = new EventTarget();

export function usePlace(): Place {
  const address = useSyncExternalStore(listen, currentAddress);
  return useMemo(() => parsePlace(address), [address]);
}

function currentAddress(): string {
  return `${location.pathname}${location.search}`;
}

function listen(listener: () => void): () => void {
  addEventListener('popstate', listener);
  moves.addEventListener('move', listener);
  return () => {
    removeEventListener('popstate', listener);
    moves.removeEventListener('move', listener);
  };
}

/** The place of an address below `/console`. What cannot be decoded is left as it is written. */
export function parsePlace(address: string): Place {
  const [path = '', search = ''] = address.split('?', 2);
  const segments = path
    .slice(ROOT.length)
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  return { segments, query: new URLSearchParams(search) };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Goes to an address of the console without loading the page anew. */
export function navigate(address: string, how: 'push' | 'replace' = 'push'): void {
  if (address === currentAddress()) return;
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  moves.dispatchEvent(new Event('move'));
}

interface LinkProps {
  readonly to: string;
  readonly current?: boolean;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A link of the console: one like every other, to be opened in a tab of its own too. */
export function Link({ to, current = false, className, children }: LinkProps): ReactElement {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} className={className} aria-current={current ? 'page' : undefined} onClick={follow}>
      {children}
    </a>
  );
}
