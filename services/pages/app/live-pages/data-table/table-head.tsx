import type { DataTable } from '@tidewire/contract';
import type { ReactElement } from 'react';
import type { Column } from './column.ts';
import { sortedBy } from './source-options.ts';
import type { ChosenSort } from './source-options.ts';

interface TableHeadProps {
  readonly definition: DataTable;
  readonly columns: readonly Column[];
  readonly sort: ChosenSort;
  readonly onSort: (field: string) => void;
}

/** Names of the columns; each is a button that sorts. */
export function TableHead({ definition, columns, sort, onSort }: TableHeadProps): ReactElement {
  return (
    <thead>
      <tr aria-rowindex={definition.edit === true ? 1 : undefined}>
        {columns.map(({ field, label, kind }) => {
          const direction = sortedBy(definition, sort, field);
          return (
            <th key={field} scope="col" data-kind={kind} aria-sort={direction && ARIA_SORT[direction]}>
              <button type="button" onClick={() => onSort(field)}>
                {label}
                <span aria-hidden="true" className="arrow">
                  {direction === undefined ? '' : ARROWS[direction]}
                </span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

const ARIA_SORT = { asc: 'ascending', desc: 'descending' } as const;
const ARROWS = { asc: '↑', desc: '↓' } as const;
