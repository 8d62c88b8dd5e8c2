import type { LivePage } from '@tidewire/contract';
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { DataTable } from './data-table/data-table.tsx';
import { usePage } from './definitions.ts';
import { PageLink } from './page-location.tsx';
import { PresentPeople } from './present-people.tsx';

/** A page, with everybody who is on it. */
export function PageView({ path }: { readonly path: string }): ReactElement {
  const page = usePage(path);
  if (page.state === 'loading') return <p className="muted">Loading…</p>;
  if (page.state === 'failed') return <p role="alert">{page.message}</p>;
  if (page.state === 'missing')
    return (
      <>
        <h1>There is no page here</h1>
        <p className="muted">
          No page has the path <code>{path}</code>. <PageLink path="">See all pages</PageLink>
        </p>
      </>
    );
  return <DefinedPage page={page.content} />;
}

function DefinedPage({ page }: { readonly page: LivePage }): ReactElement {
  const title = page.title ?? page.name;
  const [toasts, setToasts] = useState<HTMLElement | null>(null);
  useEffect(() => {
    document.title = `${title} · Tidewire`;
  }, [title]);
  return (
    <>
      <div className="title">
        <h1>{title}</h1>
        {page.presence === true && <PresentPeople path={page.path} />}
      </div>
      <div className="components">
        {page.components.map((component) => (
          // What is shown of another definition is not what somebody had sorted, searched and turned to.
          <DataTable
            key={JSON.stringify(component)}
            definition={component}
            pageTitle={title}
            toasts={toasts}
          />
        ))}
      </div>
      <div className="toasts" aria-live="polite" ref={setToasts} />
    </>
  );
}
