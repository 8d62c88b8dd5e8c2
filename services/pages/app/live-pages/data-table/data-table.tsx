import type { DataTable as Definition } from '@tidewire/contract';
import { POLL_INTERVAL_MS } from '@tidewire/client';
import { useLiveTable } from '@tidewire/react';
import { useDeferredValue, useId, useMemo, useState } from 'react';
import type { ReactElement } from 'react';
import { createPortal } from 'react-dom';
import { columnsOf } from './column.ts';
import type { Column } from './column.ts';
import { Pager } from './pager.tsx';
import { inOrderOf, shownRows } from './shown-rows.ts';
import { nextSort, sourceOptions } from './source-options.ts';
import type { ChosenSort } from './source-options.ts';
import { TableBody } from './table-body.tsx';
import { TableHead } from './table-head.tsx';
import { TableState } from './table-state.tsx';
import { Toasts } from './toasts.tsx';
import { useCellEdit } from './use-cell-edit.ts';
import { useMessages } from './use-messages.ts';

interface DataTableProps {
  readonly definition: Definition;
  readonly pageTitle: string;
  /** Where all tables of the page say what has to be known. */
  readonly toasts: HTMLElement | null;
}

/** Rows of a table that stay what the server has, to look at, to search in and to change. */
export function DataTable({ definition, pageTitle, toasts }: DataTableProps): ReactElement {
  const { dataSource, edit: editable = false, search: searchable = false } = definition;
  const [sort, setSort] = useState<ChosenSort>(null);
  const [typed, setTyped] = useState('');
  const [page, setPage] = useState(0);
  const search = useDeferredValue(typed);
  const { messages, say, dismiss } = useMessages();
  const table = useLiveTable(sourceOptions(definition, sort));
  const edit = useCellEdit(table, say);
  const columns = useColumns(definition, table.rows);
  const titleId = useId();

  const { editing } = edit;
  const ordered = editing === null ? table.rows : inOrderOf(table.rows, editing.order);
  const shown = useMemo(
    () => shownRows(ordered, { columns, search, page, pageSize: dataSource.pagination?.pageSize }),
    [ordered, columns, search, page, dataSource.pagination?.pageSize],
  );
  const sortBy = (field: string): void => {
    edit.cancel();
    setPage(0);
    setSort(nextSort(sort, field));
  };
  const turnTo = (to: number): void => {
    edit.cancel();
    setPage(to);
  };

  return (
    <section className="card data-table" aria-labelledby={titleId}>
      <header>
        <h2 id={titleId} className={definition.title === undefined ? 'hidden' : undefined}>
          {definition.title ?? pageTitle}
        </h2>
        <TableState
          state={table.state}
          asOf={table.asOf}
          realtime={dataSource.refreshMode === 'realtime'}
          pollIntervalMs={dataSource.pollIntervalMs ?? POLL_INTERVAL_MS.default}
          failing={table.error !== null}
        />
        {(table.state === 'settled' || table.state === 'failed') && (
          <button type="button" className="quiet" onClick={() => void table.refetch()}>
            {table.state === 'failed' ? 'Try again' : 'Refresh'}
          </button>
        )}
        {searchable && (
          <input
            type="search"
            aria-label={`Search the rows of ${definition.title ?? pageTitle}`}
            placeholder="Search these rows"
            value={typed}
            onChange={({ target }) => {
              setTyped(target.value);
              setPage(0);
            }}
          />
        )}
      </header>
      {table.state === 'failed' && (
        <p className="refused" role="alert">
          {table.error?.message ?? 'The server refused.'}
        </p>
      )}
      <div
        className="scroll"
        {...(!editable && { 'tabIndex': 0, 'role': 'region', 'aria-labelledby': titleId })}
      >
        <table
          role={editable ? 'grid' : undefined}
          aria-labelledby={titleId}
          aria-rowcount={editable ? shown.matching + 1 : undefined}
          aria-busy={table.state === 'loading'}
        >
          <TableHead definition={definition} columns={columns} sort={sort} onSort={sortBy} />
          <TableBody
            table={table}
            columns={columns}
            shown={shown}
            edit={editable ? edit : undefined}
            turnTo={turnTo}
            source={JSON.stringify([sort, search, page])}
          />
        </table>
        {shown.rows.length === 0 && <p className="empty">{emptyWords(table.state, typed)}</p>}
      </div>
      <Pager
        shown={shown}
        loaded={table.rows.length}
        total={table.total}
        searching={search.trim() !== ''}
        onTurn={turnTo}
      />
      {toasts !== null &&
        createPortal(
          <Toasts table={table} columns={columns} edit={edit} messages={messages} dismiss={dismiss} />,
          toasts,
        )}
    </section>
  );
}

/** The same object while the columns are the same, so that rows which have not changed are not rendered again. */
function useColumns(definition: Definition, rows: Parameters<typeof columnsOf>[1]): readonly Column[] {
  const text = useMemo(() => JSON.stringify(columnsOf(definition, rows)), [definition, rows]);
  return useMemo(() => JSON.parse(text) as readonly Column[], [text]);
}

function emptyWords(state: string, typed: string): string {
  if (state === 'loading') return 'Loading…';
  if (state === 'failed') return 'Nothing can be shown.';
  return typed.trim() === '' ? 'There are no rows.' : 'No row here matches.';
}
