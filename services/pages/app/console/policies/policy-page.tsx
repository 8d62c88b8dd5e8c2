import { useState } from 'react';
import type { ReactElement } from 'react';
import { Empty, Refusal } from '../frame/notice.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { summarize } from './policy-text.ts';
import type { PolicyEntry, PolicyView } from './policy-text.ts';

interface PolicyPageProps {
  readonly entry: PolicyEntry;
  /** A pointer to the rule that is to be looked at. */
  readonly at: string | null;
}

const NOT_FOUND = 404;

/** The rules of one register or schema: as they are, and to be edited. */
export function PolicyPage({ entry, at }: PolicyPageProps): ReactElement {
  const { target, id, title, path } = entry;
  const { answer, error } = useAnswer<PolicyView>(`/api/policies/${target}/${id}`);
  const [saved, setSaved] = useState<PolicyView>();
  const policy = saved ?? answer;
  // What has no rules, has none that could be read; it can be given some.
  const isNew = error?.status === NOT_FOUND;
  return (
    <article className="policy" aria-label={`Rules of ${title}`}>
      <header>
        <h2>{title}</h2>
        <p className="hint">
          {target} <code>{path}</code>
          {policy !== undefined && `, version ${policy.version}: ${summarize(policy)}`}
        </p>
      </header>
      {error !== undefined && !isNew && <Refusal error={error} />}
      {policy === undefined && error === undefined && <Empty>Loading.</Empty>}
      {(policy !== undefined || isNew) && (
        <PolicyEditor
          key={policy?.version ?? 0}
          entry={entry}
          policy={policy}
          at={saved === undefined ? at : null}
          onSaved={setSaved}
          saved={saved !== undefined}
        />
      )}
    </article>
  );
}
