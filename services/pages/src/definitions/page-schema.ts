import { LIVE_PAGE_LIMITS, livePageSchema } from '@tidewire/contract';
import type { DataTable, LivePage } from '@tidewire/contract';
import { z } from 'zod';

/** What the file holds: `pages`, and nothing else. */
export const pageFileSchema = z.strictObject({
  pages: z.array(livePageSchema).max(LIVE_PAGE_LIMITS.maxPages),
});

/** Something that each part of a file may be, and all of it together may not. */
export interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What the shapes cannot say: names that are there twice, and settings that mean nothing beside others. */
export function findContradictions(pages: readonly LivePage[]): readonly Contradiction[] {
  return [
    ...repeated(pages, 'path'),
    ...repeated(pages, 'name'),
    ...pages.flatMap(({ components }, page) =>
      components.flatMap((table, component) =>
        [...unfetched(table), ...ofSource(table.dataSource)].map(({ path, message }) => ({
          path: ['pages', page, 'components', component, ...path],
          message,
        })),
      ),
    ),
  ];
}

function repeated(pages: readonly LivePage[], member: 'path' | 'name'): readonly Contradiction[] {
  const first = new Map<string, number>();
  return pages.flatMap((page, index) => {
    const known = first.get(page[member]);
    if (known === undefined) {
      first.set(page[member], index);
      return [];
    }
    return { path: ['pages', index, member], message: `${page[member]} is the ${member} of another page` };
  });
}

/** Members of the record itself, which come with every row. */
const SYSTEM: ReadonlySet<string> = new Set(['id', 'createdAt', 'updatedAt']);

function unfetched({ columns = [], dataSource: { fields } }: DataTable): readonly Contradiction[] {
  if (fields === undefined) return [];
  return columns.flatMap(({ field }, index) =>
    SYSTEM.has(field) || fields.includes(field)
      ? []
      : { path: ['columns', index, 'field'], message: 'is not among the fields of the data source' },
  );
}

function ofSource({
  filter = [],
  refreshMode,
  pollIntervalMs,
}: DataTable['dataSource']): readonly Contradiction[] {
  const terms = filter.flatMap(({ operator, value }, index): Contradiction[] => {
    const path = ['dataSource', 'filter', index, 'value'];
    const isList = Array.isArray(value);
    if (operator === 'in' && !isList) return [{ path, message: 'of the operator in must be a list' }];
    if (operator !== 'in' && isList)
      return [{ path, message: `of the operator ${operator} must be one value; in takes a list` }];
    // Another program would put the reader in its place. Taken for a text, it would match nothing and say nothing.
    if ([value].flat().some((one) => typeof one === 'string' && one.startsWith('$')))
      return [{ path, message: 'may not begin with $: references are not supported yet' }];
    return [];
  });
  if (pollIntervalMs === undefined || refreshMode === 'poll') return terms;
  return [
    ...terms,
    { path: ['dataSource', 'pollIntervalMs'], message: 'means something only with refreshMode: poll' },
  ];
}
