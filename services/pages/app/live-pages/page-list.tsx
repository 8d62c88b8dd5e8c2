import type { LivePageList } from '@tidewire/contract';
import type { ReactElement } from 'react';
import type { Loaded } from './definitions.ts';
import { PageLink } from './page-location.tsx';

/** All pages, and what is wrong with the file that defines them. */
export function PageList({ pages }: { readonly pages: Loaded<LivePageList> }): ReactElement {
  return (
    <>
      <h1>Pages</h1>
      <ListOf pages={pages} />
    </>
  );
}

function ListOf({ pages }: { readonly pages: Loaded<LivePageList> }): ReactElement {
  if (pages.state === 'loading') return <p className="muted">Loading…</p>;
  if (pages.state !== 'there')
    return <p role="alert">{pages.state === 'failed' ? pages.message : 'There are no pages.'}</p>;
  const { pages: known, faults } = pages.content;
  return (
    <>
      {faults.length > 0 && (
        <section className="faults" role="alert">
          <h2>The file of pages has faults</h2>
          <p>{known.length > 0 ? 'What is shown is what it said before.' : 'Nothing of it can be shown.'}</p>
          <ul>
            {faults.map((fault) => (
              <li key={fault}>
                <code>{fault}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      {known.length === 0 && faults.length === 0 && (
        <p className="muted">No page is defined yet. A YAML file defines them: npm start -- --pages FILE.</p>
      )}
      <ul className="pages">
        {known.map(({ name, path, title }) => (
          <li key={path}>
            <PageLink path={path} className="card">
              <strong>{title ?? name}</strong>
              <span>{path}</span>
            </PageLink>
          </li>
        ))}
      </ul>
    </>
  );
}
