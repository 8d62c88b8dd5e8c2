import { useSyncExternalStore } from 'react';
import type { MouseEvent, ReactElement, ReactNode } from 'react';

/** Where the app is; what follows is the path of a page. */
const ROOT = '/pages';
const moves = new EventTarget();

/** The path of the page that is looked at: `/orders`. Empty on the list of pages. */
export function usePagePath(): string {
  return useSyncExternalStore(listen, currentPath);
}

function currentPath(): string {
  return pathOf(location.pathname);
}

/** The path of a page, of where the browser is. */
export function pathOf(pathname: string): string {
  return pathname.slice(ROOT.length).replace(/\/+$/, '');
}

function listen(listener: () => void): () => void {
  addEventListener('popstate', listener);
  moves.addEventListener('move', listener);
  return () => {
    removeEventListener('popstate', listener);
    moves.removeEventListener('move', listener);
  };
}

interface PageLinkProps {
  /** Empty: the list of pages. */
  readonly path: string;
  readonly current?: boolean;
  readonly className?: string;
  readonly children: ReactNode;
}

/** Goes to a page without loading the app again: the connection stays. */
export function PageLink({ path, current = false, className, children }: PageLinkProps): ReactElement {
  const go = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState(null, '', `${ROOT}${path}`);
    moves.dispatchEvent(new Event('move'));
    scrollTo(0, 0);
  };
  return (
    <a href={`${ROOT}${path}`} className={className} aria-current={current ? 'page' : undefined} onClick={go}>
      {children}
    </a>
  );
}
