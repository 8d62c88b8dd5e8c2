import type { LiveRow } from '@tidewire/client';
import { memo, useState } from 'react';
import type { ReactElement } from 'react';
import { formatValue } from './cell-value.ts';
import type { Column } from './column.ts';
import { valueOf } from './column.ts';

interface TableRowProps {
  readonly row: LiveRow<Readonly<Record<string, unknown>>>;
  readonly columns: readonly Column[];
  /** As screen readers count: the header is the first. */
  readonly index: number;
  /** It came after the others were there. */
  readonly isNew: boolean;
  /** Cells can be gone to and written in. */
  readonly grid: boolean;
  /** The field whose cell is the one that the Tab key goes to. */
  readonly tabField: string | undefined;
  /** What stands in a cell in place of its value while somebody writes in it. */
  readonly editor: { readonly field: string; readonly element: ReactElement } | undefined;
}

/** One row. Rendered again only when something of it has changed. */
export const TableRow = memo(function TableRow(props: TableRowProps): ReactElement {
  const { row, columns, index, isNew, grid, tabField, editor } = props;
  const [wasNew] = useState(isNew);
  return (
    <tr
      data-id={row.id}
      data-new={wasNew || undefined}
      data-pending={row.pending ?? undefined}
      aria-rowindex={grid ? index : undefined}
      aria-busy={row.pending === null ? undefined : true}
    >
      {columns.map((column) => (
        <td
          key={column.field}
          data-field={column.field}
          data-kind={column.kind}
          data-editing={editor?.field === column.field || undefined}
          role={grid ? 'gridcell' : undefined}
          aria-readonly={grid && !column.writable ? true : undefined}
          tabIndex={grid && editor?.field !== column.field ? (tabField === column.field ? 0 : -1) : undefined}
        >
          {editor?.field === column.field ? (
            editor.element
          ) : (
            <Value value={valueOf(row, column.field)} column={column} own={row.pending !== null} />
          )}
        </td>
      ))}
    </tr>
  );
});

interface ValueProps {
  readonly value: unknown;
  readonly column: Column;
  /** What is shown is the reader's own, and not the server's yet. */
  readonly own: boolean;
}

/** A value that flashes when it becomes another by somebody else's hand. */
function Value({ value, column, own }: ValueProps): ReactElement {
  const text = formatValue(value, column);
  const [seen, setSeen] = useState({ text, kind: column.kind, changes: 0 });
  if (seen.text !== text) {
    // A column that is read in another way by now has not changed in value.
    const quiet = own || seen.kind !== column.kind;
    setSeen({ text, kind: column.kind, changes: seen.changes + (quiet ? 0 : 1) });
  }
  // Two names of one animation: the browser begins it anew when the name changes.
  const flash = seen.changes === 0 ? undefined : seen.changes % 2 === 1 ? 'odd' : 'even';
  return (
    <span className="value" data-flash={flash} title={column.kind === 'time' ? String(value) : undefined}>
      {text === '' ? <Nothing /> : text}
    </span>
  );
}

function Nothing(): ReactElement {
  return (
    <>
      <span aria-hidden="true" className="nothing">
        –
      </span>
      <span className="hidden">empty</span>
    </>
  );
}
