import type { StreamStatus } from '@tidewire/contract';
import type { ReactElement, ReactNode } from 'react';
import { formatMoment } from '../frame/moment.tsx';
import { Refusal } from '../frame/notice.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import { AuditLog } from './audit-log.tsx';

const REFRESH_MS = 5000;
/** `/readyz` has an answer to show then, too. */
const NOT_READY = 503;

interface Readiness {
  readonly status?: string;
  readonly services?: Readonly<Record<string, string>>;
}

/** How the installation is, and who changed which right. */
export function HealthView(): ReactElement {
  return (
    <section aria-labelledby="view-title">
      <h1 id="view-title">Health</h1>
      <div className="cards">
        <Services />
        <Streams />
      </div>
      <AuditLog />
    </section>
  );
}

function Services(): ReactElement {
  const { answer, error, at } = useAnswer<Readiness>('/readyz', {
    everyMs: REFRESH_MS,
    alsoStatus: NOT_READY,
  });
  const services = Object.entries(answer?.services ?? {});
  return (
    <Card title="Services" at={at}>
      {error !== undefined && <Refusal error={error} />}
      {answer !== undefined && (
        <p role="status">
          The origin is{' '}
          <span className="state" data-state={answer.status === 'ready' ? 'live' : 'behind'}>
            {answer.status ?? 'away'}
          </span>
        </p>
      )}
      <ul className="plain">
        {services.map(([name, state]) => (
          <li key={name} className="pair">
            <span>{name}</span>
            <span className="state" data-state={state === 'ready' ? 'live' : 'behind'}>
              {state}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Streams(): ReactElement {
  const { answer, error, at } = useAnswer<StreamStatus>('/api/realtime/status', { everyMs: REFRESH_MS });
  return (
    <Card title="Streams" at={at}>
      {error !== undefined && <Refusal error={error} />}
      {answer !== undefined && (
        <>
          <p role="status">
            Delivery is{' '}
            <span className="state" data-state={answer.delivery === 'live' ? 'live' : 'behind'}>
              {answer.delivery}
            </span>
          </p>
          {answer.delivery === 'held' && (
            <p className="notice caution">
              Rights cannot be confirmed as those of now, so nothing is delivered until they can. Nothing is
              lost.
            </p>
          )}
          <dl className="facts">
            <Fact name="At the gateway that answered">
              {count(answer.connections, 'connection')}, {count(answer.subscriptions, 'subscription')}
            </Fact>
            <Fact name="Heartbeat">every {answer.heartbeatMs / 1000} s</Fact>
            <Fact name="Oldest event">
              <code>{answer.retention.oldestId}</code>
            </Fact>
            <Fact name="Newest event">
              <code>{answer.retention.newestId}</code>
            </Fact>
            <Fact name="Transports">{answer.transports.join(', ')}</Fact>
          </dl>
        </>
      )}
    </Card>
  );
}

/** All of them, which an administrator is told. */
function count({ own, total = own }: StreamStatus['connections'], name: string): string {
  return `${total} ${name}${total === 1 ? '' : 's'}`;
}

interface CardProps {
  readonly title: string;
  readonly at: number | undefined;
  readonly children: ReactNode;
}

function Card({ title, at, children }: CardProps): ReactElement {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      {children}
      <p className="hint">
        {at === undefined ? 'Asking.' : `As of ${formatMoment(new Date(at), new Date())}.`}
      </p>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
