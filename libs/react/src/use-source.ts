import type { DataSourceOptions, LiveRow } from '@tidewire/client';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { canonicalJson } from './canonical-json.ts';
import { useSourceCache } from './provider.ts';
import type { SourceView } from './shared-source.ts';
import { SourceUse, sourceKey } from './source-cache.ts';

/** On the server, and while its HTML is taken over: nobody has asked. */
const UNASKED: SourceView = Object.freeze({
  rows: Object.freeze([]),
  total: 0,
  state: 'loading',
  asOf: null,
  error: null,
  conflict: null,
});

/** What is shown while there is nothing of the source itself. */
export interface Meanwhile {
  /** For the options of the first render. */
  readonly initialRows?: readonly Omit<LiveRow<object>, 'pending'>[] | undefined;
  readonly keepPrevious?: boolean | undefined;
}

export interface UsedSource {
  readonly use: SourceUse;
  readonly view: SourceView;
  /** `asked`: of the source; `unasked`: there is none yet; `meanwhile`: rows that the app gave, or that were there before. */
  readonly origin: 'asked' | 'unasked' | 'meanwhile';
}

/** What this component showed last: rows of such a table and fields, or that they may not be shown. */
type Shown = { readonly shape: string; readonly rows: readonly LiveRow[] } | 'refused' | 'nothing';

/** The source that the options mean, and what there is to show. */
export function useSource(options: DataSourceOptions, meanwhile: Meanwhile): UsedSource {
  const cache = useSourceCache();
  const key = sourceKey(options);
  const use = useMemo(() => new SourceUse(cache, key), [cache, key]);
  const found = useSyncExternalStore(use.subscribe, use.look, unasked);
  const [initial] = useState(() => ({ key, rows: meanwhile.initialRows?.map(toLiveRow) }));

  const shown = useRef<Shown>('nothing');
  const shape = canonicalJson({ table: options.table, fields: options.fields });
  useEffect(() => {
    if (found.asOf !== null) shown.current = { shape, rows: found.rows };
    // Nobody who is refused goes on being shown what he was.
    else if (found.state === 'failed') shown.current = 'refused';
  }, [found, shape]);

  if (found.asOf === null && found.state === 'loading') {
    const before = shown.current;
    const first = initial.key === key && before === 'nothing' ? initial.rows : undefined;
    const previous =
      meanwhile.keepPrevious === true && typeof before === 'object' && before.shape === shape
        ? before.rows
        : undefined;
    const rows = previous ?? first;
    if (rows !== undefined) return { use, view: { ...found, rows, total: rows.length }, origin: 'meanwhile' };
  }
  return { use, view: found, origin: found === UNASKED ? 'unasked' : 'asked' };
}

function unasked(): SourceView {
  return UNASKED;
}

function toLiveRow(row: Omit<LiveRow<object>, 'pending'>): LiveRow {
  return { ...row, fields: { ...row.fields }, pending: null };
}
