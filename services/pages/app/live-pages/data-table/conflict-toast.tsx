import type { RowConflict } from '@tidewire/client';
import { useId } from 'react';
import type { ReactElement } from 'react';
import { formatValue } from './cell-value.ts';
import type { Column } from './column.ts';

type Values = Readonly<Record<string, unknown>>;

interface ConflictToastProps {
  readonly conflict: RowConflict<Values>;
  readonly columns: readonly Column[];
  readonly onKeepMine: () => void;
  readonly onTakeTheirs: () => void;
}

/** Two people wrote the same: says who and what, and lets the reader choose. */
export function ConflictToast({
  conflict,
  columns,
  onKeepMine,
  onTakeTheirs,
}: ConflictToastProps): ReactElement {
  const { fields, mine, theirs, by } = conflict;
  const titleId = useId();
  const who = by?.name ?? 'Another user';
  const typing = Object.keys(mine).length === 0;
  if (theirs === null)
    return (
      <div className="toast" data-tone="warn" role="group" aria-labelledby={titleId}>
        <p id={titleId}>Your change was not saved: the row was deleted, or is out of your sight.</p>
        <p className="actions">
          <button type="button" onClick={onTakeTheirs}>
            Close
          </button>
        </p>
      </div>
    );
  return (
    <div
      className="toast"
      data-tone="warn"
      data-conflict={fields.join(' ')}
      role="group"
      aria-labelledby={titleId}
    >
      <p id={titleId}>
        {typing
          ? `${who} changed what you are writing.`
          : `Your change was not saved: ${who} had written the same before you.`}
      </p>
      <dl>
        {fields.map((field) => (
          <ConflictField key={field} field={field} theirs={theirs.fields} mine={mine} columns={columns} />
        ))}
      </dl>
      <p className="actions">
        <button type="button" onPointerDown={keepFocus} onClick={onKeepMine}>
          Keep mine
        </button>
        <button type="button" className="primary" onPointerDown={keepFocus} onClick={onTakeTheirs}>
          Take theirs
        </button>
      </p>
    </div>
  );
}

/** Who answers with the mouse goes on writing where they were. */
function keepFocus(event: { preventDefault(): void }): void {
  event.preventDefault();
}

interface ConflictFieldProps {
  readonly field: string;
  readonly theirs: Values;
  readonly mine: Values;
  readonly columns: readonly Column[];
}

function ConflictField({ field, theirs, mine, columns }: ConflictFieldProps): ReactElement {
  const column = columns.find((one) => one.field === field);
  const words = (value: unknown): string =>
    formatValue(value, column ?? { kind: 'other', decimals: 0 }) || 'nothing';
  return (
    <>
      <dt>{column?.label ?? field}</dt>
      <dd>
        now <strong>{words(theirs[field])}</strong>
        {Object.hasOwn(mine, field) && <> · yours {words(mine[field])}</>}
      </dd>
    </>
  );
}
