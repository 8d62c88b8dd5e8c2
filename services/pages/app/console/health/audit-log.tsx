import type { AuditEntry, AuditKind } from '@tidewire/contract';
import { useState } from 'react';
import type { ReactElement } from 'react';
import { shortJson } from '../frame/json-text.ts';
import { Moment } from '../frame/moment.tsx';
import { Empty, Refusal } from '../frame/notice.tsx';
import { KEPT_ENTRIES, changedMembers } from './audit-entries.ts';
import { useAuditTail } from './use-audit-tail.ts';

const KINDS: readonly AuditKind[] = [
  'principal',
  'membership',
  'group',
  'organisation',
  'credential',
  'policy',
  'issuer',
  'identity',
  'connection',
];

/** Who changed which right, as it happens. */
export function AuditLog(): ReactElement {
  const [kind, setKind] = useState('');
  const { entries, state, error, restart } = useAuditTail(kind);
  return (
    <section className="audit" aria-labelledby="audit-title">
      <div className="bar">
        <h2 id="audit-title">Changes of rights</h2>
        <p role="status">
          <span className="state" data-state={state === 'live' ? 'live' : 'behind'}>
            {state}
          </span>
        </p>
        <label className="inline">
          Of kind{' '}
          <select value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">all</option>
            {KINDS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {state === 'ended' && (
          <button type="button" onClick={restart}>
            Follow again
          </button>
        )}
      </div>
      {error !== undefined && <Refusal error={error} />}
      {entries?.length === 0 && <Empty>No right of this kind was ever changed.</Empty>}
      {entries !== undefined && entries.length > 0 && (
        <ol className="tail" aria-label="Changes of rights, newest first">
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
      <p className="hint">The newest {KEPT_ENTRIES} at most. The whole log is at /api/audit.</p>
    </section>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }): ReactElement {
  const [open, setOpen] = useState(false);
  const { number, time, actor, kind, action, subject, correlationId } = entry;
  return (
    <li>
      <details className="event" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <Moment time={time} />
          <span className="badge" data-kind={action}>
            {action}
          </span>
          <span className="where">{kind}</span>
          <span className="what">{subject}</span>
          <span className="who">{actor?.name ?? 'nobody is named'}</span>
          <code className="uuid">{number}</code>
        </summary>
        {open && (
          <div className="content">
            <table className="changes">
              <caption className="hidden">What changed</caption>
              <thead>
                <tr>
                  <th scope="col">Member</th>
                  <th scope="col">Before</th>
                  <th scope="col">After</th>
                </tr>
              </thead>
              <tbody>
                {changedMembers(entry).map(({ name, old, new: value }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>{old === undefined ? '' : <del>{shortJson(old, 600)}</del>}</td>
                    <td>{value === undefined ? '' : <ins>{shortJson(value, 600)}</ins>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {correlationId !== null && (
              <p className="hint">
                Request <code>{correlationId}</code>
              </p>
            )}
          </div>
        )}
      </details>
    </li>
  );
}
