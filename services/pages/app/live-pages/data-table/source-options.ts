import type { DataTable } from '@tidewire/contract';
import type { SortTerm } from '@tidewire/client';
import type { KeepPrevious, LiveTableOptions } from '@tidewire/react';
import { fetchedFields } from './column.ts';

/** An order that the reader chose in place of the page's. */
export type ChosenSort = Required<SortTerm> | null;

/** A page's data source as the client takes it. */
export function sourceOptions(
  definition: DataTable,
  chosen: ChosenSort,
): LiveTableOptions<string> & KeepPrevious {
  const { table, filter, sort, limit, refreshMode = 'static', pollIntervalMs } = definition.dataSource;
  return {
    table,
    filter,
    sort: chosen === null ? sort?.map(({ field, direction = 'asc' }) => ({ field, direction })) : [chosen],
    fields: fetchedFields(definition),
    limit,
    refreshMode,
    pollIntervalMs,
    keepPrevious: true,
  };
}

/** What a click on a header makes of the order: up, down, and the page's own again. */
export function nextSort(current: ChosenSort, field: string): ChosenSort {
  if (current?.field !== field) return { field, direction: 'asc' };
  return current.direction === 'asc' ? { field, direction: 'desc' } : null;
}

/** The direction in which rows are sorted by a field first of all, if they are. */
export function sortedBy(
  definition: DataTable,
  chosen: ChosenSort,
  field: string,
): 'asc' | 'desc' | undefined {
  const [first] = chosen === null ? (definition.dataSource.sort ?? []) : [chosen];
  return first?.field === field ? (first.direction ?? 'asc') : undefined;
}
