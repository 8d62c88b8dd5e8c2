import type { LiveTable } from '@tidewire/react';
import type { ReactElement } from 'react';
import type { Column } from './column.ts';
import { ConflictToast } from './conflict-toast.tsx';
import type { CellEdit } from './use-cell-edit.ts';
import type { Message } from './use-messages.ts';

interface ToastsProps {
  readonly table: LiveTable<Readonly<Record<string, unknown>>>;
  readonly columns: readonly Column[];
  readonly edit: CellEdit;
  readonly messages: readonly Message[];
  readonly dismiss: (id: number) => void;
}

/** What the reader has to know or to decide. Nothing goes by itself before it was read. */
export function Toasts({ table, columns, edit, messages, dismiss }: ToastsProps): ReactElement {
  const { conflict } = table;
  // One of somebody who types is over with the typing; one of a write stays until it is answered.
  const open =
    conflict !== null && (Object.keys(conflict.mine).length > 0 || edit.editing?.id === conflict.id);
  return (
    <>
      {open && (
        <ConflictToast
          conflict={conflict}
          columns={columns}
          onKeepMine={() => {
            table.dismissConflict();
            if (Object.keys(conflict.mine).length > 0) edit.overwrite(conflict.id, conflict.mine);
          }}
          onTakeTheirs={() => {
            table.dismissConflict();
            if (edit.editing?.id === conflict.id) edit.cancel();
          }}
        />
      )}
      {messages.map(({ id, text }) => (
        <div className="toast" data-tone="bad" key={id}>
          <p>{text}</p>
          <p className="actions">
            <button type="button" onClick={() => dismiss(id)}>
              Close
            </button>
          </p>
        </div>
      ))}
    </>
  );
}
