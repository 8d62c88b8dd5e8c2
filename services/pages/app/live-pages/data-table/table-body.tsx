import type { LiveTable } from '@tidewire/react';
import { useRef, useState } from 'react';
import type { MouseEvent, PointerEvent, ReactElement } from 'react';
import { draftOf } from './cell-value.ts';
import { CellEditor } from './cell-editor.tsx';
import type { Column } from './column.ts';
import { valueOf } from './column.ts';
import type { ShownRows } from './shown-rows.ts';
import { TableRow } from './table-row.tsx';
import type { CellEdit } from './use-cell-edit.ts';
import { placeOf, useGridFocus } from './use-grid-focus.ts';

/** Offered to whoever writes in a text that has few values, as states have. */
const MAX_SUGGESTIONS = 12;

interface TableBodyProps {
  readonly table: LiveTable<Readonly<Record<string, unknown>>>;
  readonly columns: readonly Column[];
  readonly shown: ShownRows;
  /** Undefined: nobody writes here. */
  readonly edit: CellEdit | undefined;
  readonly turnTo: (page: number) => void;
  /** Which rows these are: rows of another order or page are not new ones. */
  readonly source: string;
}

/** The rows that are looked at. */
export function TableBody({ table, columns, shown, edit, turnTo, source }: TableBodyProps): ReactElement {
  const isNew = useNewcomers(table, source);
  const editing = edit?.editing ?? null;
  const begin = (id: string, field: string): void => {
    const row = shown.rows.find((one) => one.id === id);
    const column = columns.find((one) => one.field === field);
    if (row !== undefined && column !== undefined) edit?.begin(row, column, table.rows);
  };
  const focus = useGridFocus({
    ids: shown.rows.map(({ id }) => id),
    fields: columns.map(({ field }) => field),
    busy: editing !== null,
    turnPage: (by) => {
      const to = shown.page + by;
      if (to < 0 || to >= shown.pages) return false;
      turnTo(to);
      return true;
    },
    enter: begin,
  });
  // The second click on a cell, or tap, whatever time is between the two: the first one goes to it.
  const pressed = useRef<Element | null>(null);
  const press = ({ target }: PointerEvent): void => {
    const cell = (target as Element).closest('td');
    pressed.current = cell !== null && cell === document.activeElement ? cell : null;
  };
  const release = ({ target }: MouseEvent): void => {
    const cell = (target as Element).closest('td');
    const place = cell !== null && cell === pressed.current ? placeOf(cell) : undefined;
    if (place !== undefined && editing === null) begin(place.id, place.field);
  };
  const editor = edit !== undefined &&
    editing !== null && {
      field: editing.column.field,
      element: (
        <CellEditor
          key={`${editing.id} ${editing.column.field}`}
          column={editing.column}
          draft={editing.draft}
          fault={editing.fault}
          suggestions={suggestionsOf(table.rows, editing.column)}
          onSave={(draft, how) => {
            if (edit.save(draft) && how === 'key') focus.takeFocus();
          }}
          onCancel={() => {
            edit.cancel();
            focus.takeFocus();
          }}
        />
      ),
    };
  const grid = edit !== undefined;
  return (
    <tbody
      ref={focus.body}
      {...(grid && {
        onKeyDown: focus.onKeyDown,
        onFocus: focus.onFocus,
        onBlur: focus.onBlur,
        onPointerDown: press,
        onClick: release,
      })}
    >
      {shown.rows.map((row, place) => (
        <TableRow
          key={row.id}
          row={row}
          columns={columns}
          index={shown.offset + place + 2}
          isNew={isNew.has(row.id)}
          grid={grid}
          tabField={focus.tab?.id === row.id ? focus.tab.field : undefined}
          editor={editor !== false && editing?.id === row.id ? editor : undefined}
        />
      ))}
    </tbody>
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** Rows that were not here before, of those that are asked for. */
function useNewcomers({ rows, state }: TableBodyProps['table'], source: string): ReadonlySet<string> {
  const [seen, setSeen] = useState({ rows, source, newcomers: NOBODY, loaded: false });
  if (seen.rows === rows && seen.source === source) return seen.newcomers;
  const loaded = state !== 'loading';
  const known = new Set(seen.rows.map(({ id }) => id));
  const newcomers =
    loaded && seen.loaded && seen.source === source
      ? new Set(rows.filter(({ id }) => !known.has(id)).map(({ id }) => id))
      : NOBODY;
  setSeen({ rows, source, newcomers, loaded });
  return newcomers;
}

function suggestionsOf(rows: TableBodyProps['table']['rows'], column: Column): readonly string[] {
  if (column.kind !== 'text') return [];
  const values = new Set(
    rows.map((row) => draftOf(valueOf(row, column.field))).filter((text) => text !== ''),
  );
  // Where nearly every row has a value of its own, others' are no help.
  return values.size <= MAX_SUGGESTIONS && values.size * 2 <= rows.length ? [...values].toSorted() : [];
}
