import type { registerListSchema, schemaListSchema } from '@tidewire/contract';
import type { ReactElement } from 'react';
import type { z } from 'zod';
import { Link, usePlace } from '../frame/location.tsx';
import { Empty, Refusal } from '../frame/notice.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import { PolicyPage } from './policy-page.tsx';
import { entriesOf } from './policy-text.ts';
import type { PolicyEntry } from './policy-text.ts';

/** The rules of every register and schema. */
export function PoliciesView(): ReactElement {
  const { segments, query } = usePlace();
  const registers = useAnswer<z.infer<typeof registerListSchema>>('/api/registers');
  const schemas = useAnswer<z.infer<typeof schemaListSchema>>('/api/schemas');
  const [, target, id] = segments;
  const isThere = registers.answer !== undefined && schemas.answer !== undefined;
  const entries = isThere ? entriesOf(registers.answer.results, schemas.answer.results) : [];
  const chosen = entries.find((entry) => entry.target === target && entry.id === id);
  const error = registers.error ?? schemas.error;
  return (
    <section aria-labelledby="view-title">
      <h1 id="view-title">Policies</h1>
      {error !== undefined && <Refusal error={error} />}
      <div className="beside" data-chosen={chosen !== undefined}>
        <nav aria-label="Registers and schemas">
          <ul className="choices">
            {entries.map((entry) => (
              <Choice key={entry.id} entry={entry} current={entry === chosen} />
            ))}
          </ul>
          {isThere && entries.length === 0 && <Empty>There is no register yet.</Empty>}
        </nav>
        {chosen !== undefined && (
          <p className="back">
            <Link to="/console/policies">All policies</Link>
          </p>
        )}
        {chosen !== undefined && (
          <PolicyPage key={`${chosen.id} ${query.get('at') ?? ''}`} entry={chosen} at={query.get('at')} />
        )}
        {chosen === undefined && isThere && entries.length > 0 && (
          <Empty>
            {id === undefined
              ? 'Choose what to see the rules of.'
              : 'There is no such register or schema any more.'}
          </Empty>
        )}
      </div>
    </section>
  );
}

function Choice({
  entry,
  current,
}: {
  readonly entry: PolicyEntry;
  readonly current: boolean;
}): ReactElement {
  return (
    <li data-kind={entry.target}>
      <Link to={`/console/policies/${entry.target}/${entry.id}`} current={current}>
        {entry.title} <code>{entry.path}</code>
      </Link>
    </li>
  );
}
