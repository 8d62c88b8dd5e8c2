import { useEffect } from 'react';
import type { ReactElement } from 'react';
import { useSession } from '../shared/session.tsx';
import { usePages } from './definitions.ts';
import { PageLink, usePagePath } from './page-location.tsx';
import { PageList } from './page-list.tsx';
import { PageView } from './page-view.tsx';

/** The whole app: which pages there are, and the one that is looked at. */
export function LivePages(): ReactElement {
  const path = usePagePath();
  const pages = usePages();
  const { caller, signOut } = useSession();
  useEffect(() => {
    if (path === '') document.title = 'Pages · Tidewire';
  }, [path]);
  const known = pages.state === 'there' ? pages.content.pages : [];
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="bar">
        <PageLink path="" className="home">
          <img src="/icon.svg" alt="All pages" width="28" height="28" />
        </PageLink>
        <nav aria-label="Pages">
          {known.map((page) => (
            <PageLink key={page.path} path={page.path} current={page.path === path}>
              {page.title ?? page.name}
            </PageLink>
          ))}
        </nav>
        <div className="account">
          <span className="who">{caller.name}</span>
          <button type="button" className="quiet" onClick={signOut}>
            Sign out
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {path === '' ? <PageList pages={pages} /> : <PageView key={path} path={path} />}
      </main>
    </>
  );
}
