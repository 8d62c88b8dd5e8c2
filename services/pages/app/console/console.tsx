import type { callerSchema } from '@tidewire/contract';
import { useEffect, useRef } from 'react';
import type { ComponentType, ReactElement } from 'react';
import type { z } from 'zod';
import { useSession } from '../shared/session.tsx';
import { ConnectionsView } from './connections/connections-view.tsx';
import { ExplainView } from './explain/explain-view.tsx';
import { Link, usePlace } from './frame/location.tsx';
import { Refusal } from './frame/notice.tsx';
import { useAnswer } from './frame/use-answer.ts';
import { HealthView } from './health/health-view.tsx';
import { LiveView } from './live/live-view.tsx';
import { PoliciesView } from './policies/policies-view.tsx';

interface View {
  /** First segment after `/console`; empty: the one that is there first. */
  readonly segment: string;
  readonly title: string;
  readonly View: ComponentType;
}

const VIEWS: readonly View[] = [
  { segment: '', title: 'Live', View: LiveView },
  { segment: 'connections', title: 'Connections', View: ConnectionsView },
  { segment: 'explain', title: 'Explain', View: ExplainView },
  { segment: 'policies', title: 'Policies', View: PoliciesView },
  { segment: 'health', title: 'Health', View: HealthView },
];

type Caller = z.infer<typeof callerSchema>;

/** The console of somebody who is signed in: of administrators. Everybody else is told so, and nothing else is asked for. */
export function Console(): ReactElement {
  const { caller, signOut } = useSession();
  const { answer, error } = useAnswer<Caller>('/api/auth/me');
  // A token with limits is no administrator's, whoever's it is.
  const isAdministrator = answer?.principal.admin === true && answer.credential.scopes === null;
  const { segments } = usePlace();
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // A link that led here and is gone had the focus: whoever uses a keyboard goes on at what it led to.
    if (document.activeElement === document.body) main.current?.focus();
  }, [segments]);
  return (
    <>
      <header className="top">
        <a className="home" href="/">
          <img src="/icon.svg" alt="" width="28" height="28" /> Tidewire
        </a>
        {isAdministrator && <Tabs />}
        <p className="caller">
          <span>{caller.name}</span>
          <button type="button" className="quiet" onClick={signOut}>
            Sign out
          </button>
        </p>
      </header>
      <main ref={main} tabIndex={-1}>
        {error !== undefined && <Refusal error={error} />}
        {isAdministrator && <CurrentView />}
        {answer !== undefined && !isAdministrator && <NoAdministrator />}
      </main>
    </>
  );
}

function Tabs(): ReactElement {
  const { segments } = usePlace();
  return (
    <nav className="tabs" aria-label="Console">
      {VIEWS.map(({ segment, title }) => (
        <Link
          key={segment}
          to={`/console${segment && `/${segment}`}`}
          current={(segments[0] ?? '') === segment}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

function CurrentView(): ReactElement {
  const { segments } = usePlace();
  const [first = ''] = segments;
  const view = VIEWS.find(({ segment }) => segment === first);
  const title = view?.title ?? 'Not found';
  useEffect(() => {
    document.title = `${title} – Tidewire console`;
  }, [title]);
  if (view !== undefined) return <view.View />;
  return (
    <section>
      <h1>There is nothing here</h1>
      <p>
        <Link to="/console">To what happens now</Link>
      </p>
    </section>
  );
}

function NoAdministrator(): ReactElement {
  const { caller } = useSession();
  return (
    <section className="refused" role="alert">
      <h1>The console is for administrators</h1>
      <p>
        {caller.name} is none. Sign out to go on as somebody else, or ask an administrator of this
        installation.
      </p>
    </section>
  );
}
