import { ClientError, ConflictError } from '@tidewire/client';
import type { LiveRow, RowEdit } from '@tidewire/client';
import type { LiveTable } from '@tidewire/react';
import { useEffect, useRef, useState } from 'react';
import { draftOf, formatValue, isEditable, readDraft } from './cell-value.ts';
import type { Column } from './column.ts';
import { valueOf } from './column.ts';

type Values = Readonly<Record<string, unknown>>;
type Row = LiveRow<Values>;

/** The cell that somebody writes in. */
export interface Editing {
  readonly id: string;
  readonly column: Column;
  readonly draft: string;
  readonly fault: string | undefined;
  /** Where each row was when it began. */
  readonly order: ReadonlyMap<string, number>;
}

export interface CellEdit {
  readonly editing: Editing | null;
  /** Does nothing where the value cannot be written. */
  readonly begin: (row: Row, column: Column, shown: readonly Row[]) => void;
  /** Ends with what was typed. `false`: it cannot be saved, and goes on. */
  readonly save: (draft: string) => boolean;
  readonly cancel: () => void;
  /** Writes over what somebody else wrote. */
  readonly overwrite: (id: string, values: Values) => void;
}

/** Writing in a cell: announced to others while it lasts, shown at once, said and taken back when it is refused. */
export function useCellEdit(table: LiveTable<Values>, say: (message: string) => void): CellEdit {
  const [editing, setEditing] = useState<Editing | null>(null);
  const announced = useRef<RowEdit<Values> | null>(null);
  const end = (): void => {
    setEditing(null);
    announced.current = null;
  };
  const cancel = (): void => {
    announced.current?.cancel();
    table.dismissConflict();
    end();
  };

  const row = editing === null ? undefined : table.rows.find(({ id }) => id === editing.id);
  const gone = editing !== null && row === undefined && table.state !== 'loading';
  useEffect(() => {
    if (!gone) return;
    cancel();
    say('The row that you were writing in is not in this list any more. What you typed was not saved.');
  }, [gone]);

  return {
    editing,
    begin: (on, column, shown) => {
      const value = valueOf(on, column.field);
      if (!isEditable(column, value)) return;
      table.dismissConflict();
      try {
        announced.current = table.edit(on.id, [column.field]);
      } catch (error) {
        say(reasonOf(error));
        return;
      }
      const order = new Map(shown.map(({ id }, place) => [id, place]));
      setEditing({ id: on.id, column, draft: draftOf(value), fault: undefined, order });
    },
    save: (draft) => {
      const edit = announced.current;
      if (editing === null || edit === null) return true;
      const { column } = editing;
      const read = readDraft(draft, column.kind);
      if ('fault' in read) {
        setEditing({ ...editing, draft, fault: read.fault });
        return false;
      }
      if (draft === editing.draft) {
        cancel();
        return true;
      }
      end();
      edit.save({ [column.field]: read.value }).catch((error: unknown) => {
        edit.cancel();
        // What to do about a conflict the reader is asked beside the table.
        if (error instanceof ConflictError) return;
        say(`${column.label} was not changed to “${formatValue(read.value, column)}”: ${reasonOf(error)}`);
      });
      return true;
    },
    cancel,
    overwrite: (id, values) => {
      table.update(id, values).catch((error: unknown) => {
        if (!(error instanceof ConflictError)) say(`Your change was not saved: ${reasonOf(error)}`);
      });
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ClientError)) return String(error);
  const [first] = error.errors;
  return first === undefined ? error.message : `${error.message} (${first.message})`;
}
